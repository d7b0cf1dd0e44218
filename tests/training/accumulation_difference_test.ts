import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { weightedLoss } from "@/losses/mod.ts";
import { type AccumulationCase, accumulationDifference } from "@/training/mod.ts";
import { memory } from "../tensorflow/assert_close.ts";
import { discs } from "./discs.ts";

const { split, prepared } = discs({ training: 4, validation: 0 });

const difference = (
  normalization: "batch" | "frozen-batch",
  loss: AccumulationCase["loss"],
  batch = 2,
) =>
  accumulationDifference({
    model: {
      architecture: "unet",
      encoder: "efficientnet-b0",
      startFilters: 2,
      dropout: 0,
      normalization,
    },
    loss,
    films: split.training,
    prepared,
    batch,
  });

const bce = weightedLoss({ bce: 1 });
const dice = (per: "batch" | "image") => weightedLoss({ dice: 1 }, { dice: { per } });

Deno.test("gathered gradients equal those of the large batch where nothing looks across films", async () => {
  const before = memory();
  // A matrix product rounds a film's pixels by their place in the batch, and a unit at zero may take
  // the other slope for it.
  assertLess(await difference("frozen-batch", bce), 3e-4);
  assertLess(await difference("frozen-batch", dice("image")), 3e-4);
  assertLess(await difference("frozen-batch", bce, 1), 3e-4);
  assertEquals(memory(), before);
});

Deno.test("gathered gradients differ by a batch's statistics, and by a dice over the batch", async () => {
  const [statistics, ratio] = [
    await difference("batch", bce),
    await difference("frozen-batch", dice("batch")),
  ];
  assert(statistics > 1e-3, `${statistics}`);
  assert(ratio > 1e-3, `${ratio}`);
});

Deno.test("accumulationDifference() refuses broken batches", async () => {
  await assertRejects(() => difference("batch", bce, 3), RangeError, "whole batches of 3: 4");
});
