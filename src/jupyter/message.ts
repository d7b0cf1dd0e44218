import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";

/** The body of a Jupyter message; its fields depend on the message type. */
export type MessageContent = Record<string, unknown>;

/** What a client needs of a Jupyter message that came in. */
export interface Message {
  type: string;
  /** The id of the request that caused the message, or "". */
  parentId: string;
  content: MessageContent;
}

/** A message of the Jupyter protocol could not be read: the connection to the kernel is broken. */
export class MessageError extends Error {
  override name = "MessageError";
}

const DELIMITER = "<IDS|MSG>";

/**
 * Signs and encodes a request as the frames of Jupyter's wire protocol 5.3
 * (https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol).
 */
export function encodeRequest(
  request: { id: string; session: string; type: string; content: MessageContent },
  key: string,
): string[] {
  const header = {
    msg_id: request.id,
    session: request.session,
    username: "notebooks",
    date: new Date().toISOString(),
    msg_type: request.type,
    version: "5.3",
  };
  const parts = [header, {}, {}, request.content].map((part) => JSON.stringify(part));
  return [DELIMITER, sign(parts, key).toString("hex"), ...parts];
}

/**
 * Checks the signature of a message's frames and decodes it.
 *
 * @throws {MessageError} If frames are missing, or the signature or the JSON is wrong.
 */
export function decodeMessage(frames: readonly Uint8Array[], key: string): Message {
  const buffers = frames.map((frame) => Buffer.from(frame));
  const start = buffers.findIndex((frame) => frame.toString() === DELIMITER);
  const [signature, header, parent, metadata, content] = buffers.slice(start + 1);
  if (start < 0 || !signature || !header || !parent || !metadata || !content) {
    throw new MessageError(
      `Cannot read a kernel message as frames are missing: got ${frames.length}`,
    );
  }
  const given = Buffer.from(signature.toString(), "hex");
  const expected = sign([header, parent, metadata, content], key);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new MessageError(
      "Cannot trust a kernel message as its signature is wrong: a single output of several " +
        "megabytes can damage the stream, keep outputs below 1 MB",
    );
  }
  return {
    type: String(parseObject(header)["msg_type"]),
    parentId: String(parseObject(parent)["msg_id"] ?? ""),
    content: parseObject(content),
  };
}

function parseObject(frame: Buffer): MessageContent {
  let value: unknown;
  try {
    value = JSON.parse(frame.toString());
  } catch (error) {
    throw new MessageError(`Cannot read a kernel message as it is no JSON: ${error}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new MessageError(`Cannot read a kernel message as a part is no object: ${value}`);
  }
  return value as MessageContent;
}

function sign(parts: readonly (string | Buffer)[], key: string): Buffer {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}
