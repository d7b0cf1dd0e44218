import { tf } from "@/tensorflow/mod.ts";
import { Diagram } from "../diagram.ts";
import type { Encoder } from "../encoders/mod.ts";
import type { Forward } from "../forward.ts";
import { Conv2D, ConvBlock, dropout, resizeBilinear } from "../layers/mod.ts";
import type { Weights } from "../weights.ts";
import { type Decoder, type DecoderOptions, outputBias } from "./decoder.ts";
import { channelsAt, hasStride, mapAt } from "./features.ts";

/** Dilations at stride 16; the paper doubles them where the stride is halved. */
const DILATIONS = [6, 12, 18] as const;
const DILATIONS_STRIDE = 16;
/** Stride of the encoder's map that brings the detail. */
const FINE_STRIDE = 4;
/** The paper's 256 and 48 filters, in start filters of 8. */
const FILTERS = 32;
const FINE_FILTERS = 6;

/**
 * DeepLabv3+ (Chen et al. 2018) on an encoder's maps: atrous spatial pyramid pooling (ASPP) on the
 * coarsest, which looks at several scales at once by dilated convolutions and the mean of the whole
 * image; its result, four times as large, meets the map of stride 4. Filters are the paper's if
 * `startFilters` is 8.
 *
 * The branch with the image's mean has a bias instead of BatchNorm: in a batch of few films, the
 * statistics of one pixel a film would be noise.
 */
export class DeepLabV3Plus implements Decoder {
  readonly graph: Diagram;
  readonly #encoder: Encoder;
  readonly #stride: number;
  /** The branches of ASPP that look at pixels, not at the image. */
  readonly #branches: ConvBlock[];
  readonly #image: Conv2D;
  readonly #project: ConvBlock;
  readonly #fine: ConvBlock;
  readonly #decode: ConvBlock;
  readonly #output: Conv2D;
  readonly #dropout: number;

  /** @throws {RangeError} If the encoder has no maps of the strides 4 and 16. */
  constructor(weights: Weights, encoder: Encoder, options: DecoderOptions) {
    const { startFilters } = options;
    const filters = FILTERS * startFilters, fineFilters = FINE_FILTERS * startFilters;
    this.#encoder = encoder;
    this.#dropout = options.dropout;
    const stride = this.#stride = hasStride(encoder, 32) ? 32 : 16;
    const dilations = DILATIONS.map((dilation) => dilation * DILATIONS_STRIDE / stride);
    const input = channelsAt(encoder, stride);

    const point = (name: string, input: number, filters: number) =>
      new ConvBlock(weights, name, { input, filters, kernel: 1, repeats: 1 }, options);
    this.#branches = [
      point("aspp_point", input, filters),
      ...dilations.map((dilation, i) =>
        new ConvBlock(
          weights,
          `aspp_dilated${i + 1}`,
          { input, filters, dilation, repeats: 1 },
          options,
        )
      ),
    ];
    this.#image = new Conv2D(weights, "aspp_image", { input, filters, kernel: 1 });
    this.#project = point("aspp_project", (this.#branches.length + 1) * filters, filters);
    this.#fine = point("fine", channelsAt(encoder, FINE_STRIDE), fineFilters);
    this.#decode = new ConvBlock(
      weights,
      "decode",
      { input: filters + fineFilters, filters },
      options,
    );
    this.#output = new Conv2D(weights, "output", {
      input: filters,
      filters: 1,
      kernel: 1,
      bias: outputBias(options),
    });
    this.graph = deepLabGraph(encoder, { stride, dilations, filters, fineFilters });
  }

  outputs(features: readonly tf.Tensor4D[], forward: Forward): [tf.Tensor4D] {
    const coarse = mapAt(this.#encoder, features, this.#stride);
    const [, height, width] = coarse.shape;
    const mean = tf.mean(coarse, [1, 2], true) as tf.Tensor4D;
    const image = resizeBilinear(tf.relu(this.#image.apply(mean)), height, width);
    const pyramid = [...this.#branches.map((branch) => branch.apply(coarse, forward)), image];
    let x = this.#project.apply(tf.concat(pyramid, -1), forward);
    x = dropout(x, this.#dropout, forward);

    const fine = this.#fine.apply(mapAt(this.#encoder, features, FINE_STRIDE), forward);
    const [, fineHeight, fineWidth] = fine.shape;
    x = this.#decode.apply(
      tf.concat([resizeBilinear(x, fineHeight, fineWidth), fine], -1),
      forward,
    );
    const logits = this.#output.applyDropped(x, this.#dropout / 2, forward);
    return [resizeBilinear(logits, FINE_STRIDE * fineHeight, FINE_STRIDE * fineWidth)];
  }
}

function deepLabGraph(
  encoder: Encoder,
  { stride, dilations, filters, fineFilters }: {
    stride: number;
    dilations: number[];
    filters: number;
    fineFilters: number;
  },
): Diagram {
  const diagram = new Diagram("DeepLabv3+");
  diagram.addEncoder(encoder);
  // One behind the other, as nodes of one stride would lie on top of each other.
  const branches = ["aspp image", "aspp point", ...dilations.map((d) => `aspp dilation ${d}`)];
  for (const [i, name] of branches.entries()) {
    diagram.add(name, stride, filters, i + 1);
    diagram.link("skip", name, `tap${stride}`);
  }
  const column = branches.length + 1;
  diagram.add("aspp", stride, filters, column);
  diagram.link("skip", "aspp", ...branches);
  diagram.add("fine", FINE_STRIDE, fineFilters, 1);
  diagram.link("skip", "fine", `tap${FINE_STRIDE}`);
  diagram.add("decode", FINE_STRIDE, filters, column + 1);
  diagram.link("up", "decode", "aspp");
  diagram.link("skip", "decode", "fine");
  diagram.add("output", 1, 1, column + 2);
  diagram.link("up", "output", "decode");
  return diagram;
}
