import { assertEquals, assertThrows } from "@std/assert";
import { HandleTable } from "../../src/tensorflow/handle_table.ts";

/** Stands for a handle; never followed. */
const handle = (address: number) => Deno.UnsafePointer.create(BigInt(address));

Deno.test("HandleTable finds each handle by its number until it is deleted, and no number comes again", () => {
  const table = new HandleTable();
  const expected = new Map<number, Deno.PointerValue>(), given = new Set<number>();
  for (let i = 1; i <= 2000; i++) {
    const number = table.add(handle(i));
    assertEquals(given.has(number), false);
    given.add(number);
    expected.set(number, handle(i));
    // Every second one goes, not in the order of their coming.
    if (i % 2 === 0) {
      const gone = [...expected.keys()][(i * 7919) % expected.size]!;
      table.delete(gone);
      table.delete(gone);
      expected.delete(gone);
    }
    assertEquals(table.size, expected.size);
  }
  for (const number of given) {
    const found = table.get(number), wanted = expected.get(number);
    assertEquals(found === undefined, wanted === undefined);
    if (found && wanted) assertEquals(Deno.UnsafePointer.equals(found, wanted), true);
  }
  for (const number of [-1, 0, 1, 0.5, NaN, 2 ** 52]) assertEquals(table.get(number), undefined);
});

Deno.test("HandleTable refuses more handles than it has places", () => {
  const table = new HandleTable();
  for (let i = 0; i < 2 ** 20; i++) table.add(null);
  assertThrows(() => table.add(null), RangeError, "1048576 are alive already");
  assertEquals(table.size, 2 ** 20);
});
