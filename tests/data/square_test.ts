import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  FILM_SIZE,
  filmToSquare,
  maskFromSquare,
  maskToSquare,
  placeInSquare,
} from "@/data/mod.ts";
import { dice } from "@/postprocessing/overlap.ts";
import { discMask, ownFilms } from "./own_films.ts";

Deno.test("placeInSquare() keeps proportions and centres", () => {
  const cases: [width: number, height: number, place: [number, number, number, number]][] = [
    [1024, 1024, [0, 0, 1024, 1024]],
    [512, 256, [0, 256, 1024, 512]],
    [256, 512, [256, 0, 512, 1024]],
    [2048, 2048, [0, 0, 1024, 1024]],
    [3000, 2000, [0, 170, 1024, 683]],
    [1, 1, [0, 0, 1024, 1024]],
    [5000, 1, [0, 511, 1024, 1]],
  ];
  for (const [width, height, [left, top, wide, high]] of cases) {
    const place = { left, top, width: wide, height: high };
    assertEquals(placeInSquare({ width, height }), place, `${width} x ${height}`);
  }
});

Deno.test("filmToSquare() leaves a film of the square as it is", async () => {
  const pixels = new Uint8Array(FILM_SIZE ** 2).fill(3);
  assert(await filmToSquare(pixels, { width: FILM_SIZE, height: FILM_SIZE }) === pixels);
});

Deno.test("filmToSquare() keeps grey values where it places the film, black elsewhere", async () => {
  // Left half 40, right half 200; twice as wide as high.
  const shape = { width: 128, height: 64 };
  const pixels = Uint8Array.from({ length: 128 * 64 }, (_, i) => i % 128 < 64 ? 40 : 200);
  const square = await filmToSquare(pixels, shape);
  const at = (x: number, y: number) => square[y * FILM_SIZE + x];
  assertEquals([at(5, 300), at(500, 512), at(524, 512), at(1020, 760)], [40, 40, 200, 200]);
  assertEquals([at(5, 255), at(5, 768), at(1023, 0)], [0, 0, 0]);
  assertEquals([at(5, 256), at(1023, 767)], [40, 200]);
});

Deno.test("filmToSquare() averages where it makes a film smaller", async () => {
  // A chessboard of single pixels has the mean grey 127.5; libvips weights pixels in few steps.
  const pixels = Uint8Array.from(
    { length: 2048 ** 2 },
    (_, i) => ((i % 2) ^ ((i >> 11) & 1)) * 255,
  );
  const square = await filmToSquare(pixels, { width: 2048, height: 2048 });
  for (let i = 0; i < 1000; i++) {
    const value = square[i * 1047]!;
    assert(value >= 115 && value <= 140, `${value}`);
  }
});

Deno.test("maskFromSquare() undoes maskToSquare()", async () => {
  for (const film of ownFilms(8).filter(({ disc }) => disc)) {
    const mask = discMask(film);
    const square = await maskToSquare(mask, film);
    assertEquals(square.length, FILM_SIZE ** 2);
    const back = await maskFromSquare(square, film);
    assertEquals(back.length, mask.length);
    assert(dice(back, mask) > 0.99, `${film.width} x ${film.height}: ${dice(back, mask)}`);
  }
  // Larger than the square: the smaller mask has lost the edge's detail only.
  const large = { width: 1500, height: 2500 };
  const box = new Uint8Array(large.width * large.height);
  for (let y = 401; y < 900; y++) box.fill(1, y * large.width + 201, y * large.width + 700);
  const back = await maskFromSquare(await maskToSquare(box, large), large);
  assert(dice(back, box) > 0.99, `${dice(back, box)}`);
});

Deno.test("maskToSquare() and maskFromSquare() keep a mask's last pixel", async () => {
  const shape = { width: 4000, height: 3000 };
  const mask = new Uint8Array(shape.width * shape.height);
  mask[1234567] = 1;
  const square = await maskToSquare(mask, shape);
  assert(square.includes(1));
  const small = { width: 20, height: 10 };
  const dot = new Uint8Array(FILM_SIZE ** 2);
  dot[512 * FILM_SIZE + 512] = 1;
  const back = await maskFromSquare(dot, small);
  assertEquals(back.length, 200);
  assert(back.includes(1));
});

Deno.test("the square's functions refuse pixels of another shape", async () => {
  const shape = { width: 4, height: 3 };
  await assertRejects(() => filmToSquare(new Uint8Array(11), shape), RangeError, "4 x 3 values");
  await assertRejects(() => maskToSquare(new Uint8Array(13), shape), RangeError, "it holds 13");
  await assertRejects(() => maskFromSquare(new Uint8Array(12), shape), RangeError, "1024 x 1024");
});
