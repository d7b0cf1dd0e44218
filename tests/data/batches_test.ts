import { assert, assertEquals, assertLessOrEqual, assertRejects, assertThrows } from "@std/assert";
import { batchCount, batches, ByteCache, imageBatches } from "@/data/mod.ts";

/** Films whose pixels are their number, read after `delay` milliseconds. */
class FakePrepared {
  readonly size = 2;
  started = 0;
  underWay = 0;
  readonly #delay: number;
  readonly #failing: string | undefined;

  constructor(delay = 0, failing?: string) {
    this.#delay = delay;
    this.#failing = failing;
  }

  async readImage(imageId: string): Promise<Uint8Array> {
    this.started++;
    this.underWay++;
    await new Promise((resolve) => setTimeout(resolve, this.#delay));
    this.underWay--;
    if (imageId === this.#failing) throw new Error(`bad ${imageId}`);
    return new Uint8Array(4).fill(Number(imageId));
  }

  readMask(imageId: string): Promise<Uint8Array> {
    return Promise.resolve(Uint8Array.of(255, 0, 0, Number(imageId) % 2 ? 255 : 0));
  }
}

const order = Array.from({ length: 7 }, (_, i) => ({ imageId: `${51 * (i % 5)}` }));

async function collect<T>(generator: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of generator) items.push(item);
  return items;
}

Deno.test("batches() gives images 0 to 1 and masks 0 or 1 in the order of the films", async () => {
  const all = await collect(batches(new FakePrepared(), order, { batchSize: 3 }));
  assertEquals(all.map(({ index, count, size }) => [index, count, size]), [
    [0, 3, 2],
    [1, 3, 2],
    [2, 1, 2],
  ]);
  assertEquals(all.flatMap((batch) => batch.imageIds), order.map((film) => film.imageId));
  const first = all[0]!;
  assertEquals([...first.images], [
    0,
    0,
    0,
    0,
    ...Array(4).fill(Math.fround(0.2)),
    ...Array(4).fill(Math.fround(0.4)),
  ]);
  assertEquals([...first.masks], [1, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0]);
  const white = await collect(batches(new FakePrepared(), [{ imageId: "255" }], { batchSize: 1 }));
  assertEquals([...white[0]!.images], [1, 1, 1, 1]);
});

Deno.test("batches() goes on from `start` as if it had never stopped", async () => {
  const all = await collect(batches(new FakePrepared(), order, { batchSize: 2 }));
  for (let start = 0; start <= all.length; start++) {
    const rest = await collect(batches(new FakePrepared(), order, { batchSize: 2, start }));
    assertEquals(rest, all.slice(start));
  }
});

Deno.test("batches() can drop the remainder", async () => {
  const options = { batchSize: 3, dropRemainder: true };
  const all = await collect(batches(new FakePrepared(), order, options));
  assertEquals(all.map((batch) => batch.count), [3, 3]);
  assertEquals(batchCount(7, options), 2);
  assertEquals(batchCount(7, { batchSize: 3 }), 3);
  assertThrows(
    () => batches(new FakePrepared(), order, { batchSize: 8, dropRemainder: true }),
    RangeError,
    "7 films do not fill one of 8",
  );
});

for (const ahead of [0, 1, 3]) {
  Deno.test(`batches() reads at most ${ahead} batches ahead of the consumer`, async () => {
    const prepared = new FakePrepared();
    let consumed = 0;
    for await (const batch of batches(prepared, order, { batchSize: 1, prefetch: ahead })) {
      consumed++;
      assertEquals(batch.index, consumed - 1);
      assertEquals(prepared.started, Math.min(consumed + ahead, order.length));
    }
    assertEquals(consumed, 7);
  });
}

Deno.test("batches() hands an error to the consumer and leaves nothing under way", async () => {
  const prepared = new FakePrepared(5, "102");
  const seen: number[] = [];
  await assertRejects(
    async () => {
      for await (const batch of batches(prepared, order, { batchSize: 1 })) {
        seen.push(batch.index);
        // The failing film fails while nobody waits for it yet.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    Error,
    "bad 102",
  );
  assertEquals(seen, [0, 1]);
  assertEquals(prepared.underWay, 0);
  assertLessOrEqual(prepared.started, 5);
});

Deno.test("batches() leaves nothing under way when the consumer stops", async () => {
  const prepared = new FakePrepared(10);
  for await (const _ of batches(prepared, order, { batchSize: 1, prefetch: 4 })) break;
  assertEquals(prepared.underWay, 0);
  assertEquals(prepared.started, 5);
  const failing = new FakePrepared(1, "51");
  for await (const _ of batches(failing, order, { batchSize: 1 })) break;
  assertEquals(failing.underWay, 0);
  const unused = new FakePrepared();
  await batches(unused, order, { batchSize: 1 }).return();
  assertEquals(unused.started, 0);
});

Deno.test("batches() refuses ill options at once", () => {
  const ill: [object, string][] = [
    [{ batchSize: 0 }, "batchSize"],
    [{ batchSize: 1.5 }, "batchSize"],
    [{ prefetch: -1 }, "prefetch"],
    [{ start: 8 }, "start"],
    [{ start: -1 }, "start"],
    [{ batchSize: 3, share: { index: 0, count: 2 } }, "3 films do not part into 2 equal parts"],
  ];
  for (const [options, name] of ill) {
    const all = { batchSize: 1, ...options };
    assertThrows(() => batches(new FakePrepared(), order, all), RangeError, name);
  }
  assertThrows(() => batches(new FakePrepared(), [], { batchSize: 1 }), RangeError, "0 films");
});

Deno.test("batches() parts each batch among those that share it", async () => {
  const options = { batchSize: 4, dropRemainder: true, start: 1 };
  const films = [...order, ...order]; // three whole batches
  const whole = await collect(batches(new FakePrepared(), films, options));
  const [first, second] = await Promise.all(
    [0, 1].map((index) =>
      collect(batches(new FakePrepared(), films, { ...options, share: { index, count: 2 } }))
    ),
  );
  assertEquals(first!.map(({ index, count }) => [index, count]), [[1, 2], [2, 2]]);
  for (const [i, batch] of whole.entries()) {
    assertEquals([...first![i]!.imageIds, ...second![i]!.imageIds], batch.imageIds);
    assertEquals([...first![i]!.images, ...second![i]!.images], [...batch.images]);
  }
});

Deno.test("imageBatches() does not ask for masks", async () => {
  const fake = new FakePrepared();
  const images = { size: 2, readImage: (imageId: string) => fake.readImage(imageId) };
  const all = await collect(imageBatches(images, order, { batchSize: 4 }));
  assertEquals(all.map((batch) => batch.images.length), [16, 12]);
  assert(!("masks" in all[0]!));
});

Deno.test("ByteCache drops what was not asked for the longest", () => {
  const cache = new ByteCache(10);
  const bytes = (length: number) => new Uint8Array(length);
  cache.set("a", bytes(4));
  cache.set("b", bytes(4));
  assert(cache.get("a"));
  cache.set("c", bytes(4));
  assertEquals([cache.get("a")?.length, cache.get("b")?.length, cache.get("c")?.length], [
    4,
    undefined,
    4,
  ]);
  assertEquals(cache.size, 8);
  cache.set("a", bytes(2));
  assertEquals(cache.size, 6);
  cache.set("large", bytes(11));
  assertEquals([cache.get("large"), cache.size], [undefined, 6]);
  cache.set("whole", bytes(10));
  assertEquals([cache.get("a"), cache.get("whole")?.length, cache.size], [undefined, 10, 10]);
  assertThrows(() => new ByteCache(-1), RangeError, "-1");
});
