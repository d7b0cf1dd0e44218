/**
 * Names of weights in timm, whose ResNets have those of torchvision. Taken from timm's source
 * (`timm/models/_efficientnet_blocks.py`, `timm/models/resnet.py`, `timm/layers/squeeze_excite.py`).
 */
import { type EncoderName, isEfficientNet } from "@/model/mod.ts";

const VARIABLES: Record<string, string> = {
  kernel: "weight",
  bias: "bias",
  gamma: "weight",
  beta: "bias",
  moving_mean: "running_mean",
  moving_variance: "running_var",
};

/** Layers of a block of EfficientNet; those of the first stage, which does not expand, differ. */
const FIRST_STAGE: Record<string, string> = {
  dwconv: "conv_dw",
  bn: "bn1",
  se_reduce: "se.conv_reduce",
  se_expand: "se.conv_expand",
  project_conv: "conv_pw",
  project_bn: "bn2",
};
const OTHER_STAGES: Record<string, string> = {
  expand_conv: "conv_pw",
  expand_bn: "bn1",
  dwconv: "conv_dw",
  bn: "bn2",
  se_reduce: "se.conv_reduce",
  se_expand: "se.conv_expand",
  project_conv: "conv_pwl",
  project_bn: "bn3",
};

/** The name that timm gives a weight, from ours: `block2a_expand_conv/kernel`. */
export function timmName(encoder: EncoderName, weight: string): string {
  const [layer, variable] = weight.split("/") as [string, string];
  const module = isEfficientNet(encoder) ? efficientNetModule(layer) : resNetModule(layer);
  const name = VARIABLES[variable];
  if (module === undefined || name === undefined) {
    throw new RangeError(`Cannot tell what timm calls a weight of ${encoder}: ${weight}`);
  }
  return `${module}.${name}`;
}

/** Whether timm's network has the weight where our encoder has ended, or it is no weight. */
export function isTimmRest(encoder: EncoderName, name: string): boolean {
  if (name.endsWith(".num_batches_tracked")) return true;
  const rest = isEfficientNet(encoder)
    ? /^(blocks\.[56]|conv_head|bn2|classifier)\./
    : /^(layer4|fc)\./;
  return rest.test(name);
}

function efficientNetModule(layer: string): string | undefined {
  if (layer === "stem_conv") return "conv_stem";
  if (layer === "stem_bn") return "bn1";
  const [, stage, letter, part] = /^block(\d)([a-z])_(.+)$/.exec(layer) ?? [];
  if (stage === undefined || letter === undefined || part === undefined) return undefined;
  const name = (stage === "1" ? FIRST_STAGE : OTHER_STAGES)[part];
  const block = letter.charCodeAt(0) - "a".charCodeAt(0);
  return name && `blocks.${Number(stage) - 1}.${block}.${name}`;
}

function resNetModule(layer: string): string | undefined {
  if (layer === "conv1_conv") return "conv1";
  if (layer === "conv1_bn") return "bn1";
  const [, stage, block, part] = /^conv(\d)_block(\d+)_(.+)$/.exec(layer) ?? [];
  if (part === undefined) return undefined;
  const names: Record<string, string> = {
    "0_conv": "downsample.0",
    "0_bn": "downsample.1",
    se_reduce: "se.fc1",
    se_expand: "se.fc2",
  };
  const name = names[part] ?? part.replace(/^(\d)_(conv|bn)$/, "$2$1");
  return `layer${Number(stage) - 1}.${Number(block) - 1}.${name}`;
}
