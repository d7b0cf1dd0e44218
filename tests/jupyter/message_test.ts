import { assertEquals, assertThrows } from "@std/assert";
import { decodeMessage, encodeRequest, MessageError } from "../../src/jupyter/message.ts";

const encode = (frames: string[]) => frames.map((frame) => new TextEncoder().encode(frame));

Deno.test("decodeMessage() verifies HMAC-SHA256 over header, parent, metadata and content", () => {
  // printf '{"msg_type":"status"}{"msg_id":"p1"}{}{"execution_state":"idle"}' |
  //   openssl dgst -sha256 -hmac secret
  const signature = "b691404d4fea0f86b6694aa82bec2cd5c2157197897fd7c8ab8e9da5b298befe";
  const frames = [
    "topic",
    "<IDS|MSG>",
    signature,
    '{"msg_type":"status"}',
    '{"msg_id":"p1"}',
    "{}",
    '{"execution_state":"idle"}',
  ];
  assertEquals(decodeMessage(encode(frames), "secret"), {
    type: "status",
    parentId: "p1",
    content: { execution_state: "idle" },
  });
  assertThrows(() => decodeMessage(encode(frames), "other"), MessageError, "signature");
  const changed = frames.with(6, '{"execution_state":"busy"}');
  assertThrows(() => decodeMessage(encode(changed), "secret"), MessageError, "signature");
});

Deno.test("decodeMessage() reads what encodeRequest() writes", () => {
  const content = { code: "1 + 1", silent: false };
  const request = { id: "r1", session: "s1", type: "execute_request", content };
  const message = decodeMessage(encode(encodeRequest(request, "key")), "key");
  assertEquals(message, { type: "execute_request", parentId: "", content });
});

Deno.test("decodeMessage() refuses damaged messages", () => {
  for (const frames of [[], ["<IDS|MSG>"], ["a", "b", "c", "d", "e", "f"]]) {
    assertThrows(() => decodeMessage(encode(frames), "key"), MessageError, "frames are missing");
  }
});
