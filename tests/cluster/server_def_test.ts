import { assertEquals } from "@std/assert";
import { PbfReader } from "pbf";
import { parseTfConfig, serverDef } from "@/cluster/mod.ts";
import vectors from "./server_def_vectors.json" with { type: "json" };

/** Fields by their path of numbers. The entries of a map may come in any order, and 0 may be left out. */
function fieldsOf(bytes: Uint8Array<ArrayBuffer>, path = ""): string[] {
  /** ServerDef.cluster, its jobs, their tasks; the session's configuration, its experimental part. */
  const messages = new Set([".1", ".1.1", ".1.1.2", ".4", ".4.16"]);
  const fields: string[] = [];
  new PbfReader(bytes).readFields((tag, _, reader) => {
    const field = `${path}.${tag}`;
    if (messages.has(field)) {
      const inner = fieldsOf(new Uint8Array(reader!.readBytes()), field);
      fields.push(field === ".1.1.2" ? `{${inner}}` : inner.join("\n"));
    } else {
      const value = reader!.type === 0 ? reader!.readVarint() : reader!.readString();
      if (value !== 0) fields.push(`${field}=${value}`);
    }
  }, null);
  return fields.sort();
}

Deno.test("serverDef() writes the fields that TensorFlow's own classes write", () => {
  for (const { addresses, index, bytes } of vectors) {
    const config = { cluster: { worker: addresses }, task: { type: "worker", index } };
    const spec = parseTfConfig(JSON.stringify(config))!;
    const expected = fieldsOf(new Uint8Array(bytes));
    assertEquals(fieldsOf(serverDef(spec)), expected);
    assertEquals(expected.join().match(/\.1\.1\.2\.2=/g)?.length, addresses.length);
  }
  assertEquals(vectors.length, 8);
});
