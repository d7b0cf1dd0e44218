import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import h5wasm, { type Dataset, File } from "h5wasm";
import { basename, join } from "node:path";
import { decodeSafetensors, encodeSafetensors, sha256, type StoredTensor } from "@/files/mod.ts";
import { createModel, type EncoderName, type SegmentationModel } from "@/model/mod.ts";
import { convertFile, loadPretrained, PretrainedError } from "@/pretrained/mod.ts";
import { main } from "@/cli/weights.ts";
import { memory } from "../tensorflow/assert_close.ts";
import { timmFile } from "./timm_file.ts";

const FOLDER = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(FOLDER, { recursive: true }));

const B0 = "efficientnet-b0";
const small = (encoder: EncoderName = B0): SegmentationModel =>
  createModel({ architecture: "simplified-unet++", encoder, startFilters: 1 });

const valuesOf = (model: SegmentationModel) =>
  new Map(model.weights.all.map(({ name, variable }) => [name, variable.dataSync().slice()]));

async function write(name: string, content: Uint8Array | Map<string, StoredTensor>) {
  const path = join(FOLDER, name);
  const bytes = content instanceof Map
    ? encodeSafetensors({ tensors: content, metadata: {} })
    : content;
  await Deno.writeFile(path, bytes);
  return path;
}

Deno.test("convertFile() and loadPretrained() bring timm's weights into the encoder alone", async () => {
  const before = memory();
  for (const encoder of [B0, "resnet34"] as const) {
    const { bytes, ours } = timmFile(encoder);
    const source = await write(`${encoder}-timm.safetensors`, bytes);
    const output = join(FOLDER, "new folder", `${encoder}.safetensors`);
    const converted = await convertFile(source, encoder, output);
    assertEquals(converted.tensors, ours.size);
    assertEquals(converted.source, "timm");
    const written = await Deno.readFile(output);
    assertEquals(converted.sha256, sha256(written));
    const { metadata } = decodeSafetensors(written, output);
    assertEquals(metadata.sourceSha256, sha256(bytes));
    assertEquals(metadata.sourceFile, basename(source));

    const model = small(encoder);
    const start = valuesOf(model);
    const loaded = await loadPretrained(model, output);
    assertEquals(loaded, { file: basename(output), sha256: sha256(written) });
    for (const [name, values] of valuesOf(model)) {
      assertEquals(values, ours.get(name) ?? start.get(name), name);
    }
    model.dispose();
  }
  assertEquals(memory(), before);
});

Deno.test("convertFile() lists what does not match, and writes nothing", async () => {
  const { tensors, bytes } = timmFile(B0);
  const resnet = timmFile("resnet34");
  const change = (edit: (tensors: Map<string, StoredTensor>) => void) => {
    const changed = new Map(tensors);
    edit(changed);
    return changed;
  };
  const conv = "blocks.1.0.conv_pw.weight";
  const text = (content: string) => new TextEncoder().encode(content);
  const hdf5 = Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, ...new Uint8Array(99));
  const cases: [EncoderName, Uint8Array | Map<string, StoredTensor>, ...string[]][] = [
    [B0, change((t) => t.delete(conv)), "not those of efficientnet-b0: 1 missing (blocks.1.0.conv"],
    [
      B0,
      change((t) => t.set("blocks.1.2.bn1.bias", t.get("bn1.bias")!)),
      "1 unexpected (blocks.1.2.bn1.bias)",
    ],
    [
      B0,
      change((t) => t.set(conv, { ...t.get(conv)!, shape: [16, 96, 1, 1] })),
      "1 misshapen (blocks.1.0.conv_pw.weight is [16, 96, 1, 1] instead of [96, 16, 1, 1])",
    ],
    [
      B0,
      change((t) => t.set("bn1.bias", { shape: [32], data: new Float32Array(32).fill(NaN) })),
      "1 with other than finite floats (bn1.bias)",
    ],
    [
      B0,
      change((t) => t.set("bn1.bias", { shape: [32], data: new Int32Array(32) })),
      "1 with other than finite floats (bn1.bias)",
    ],
    ["efficientnet-b1", bytes, " missing (blocks.0.1.conv_dw.weight, ", ", and "],
    ["efficientnet-b4", bytes, " missing (", " misshapen (conv_stem.weight is [32, 3, 3, 3] in"],
    [B0, resnet.bytes, " missing (conv_stem.weight, ", " unexpected (conv1.weight, "],
    ["resnet50", resnet.bytes, " missing (layer1.0.downsample.0.weight, ", " misshapen ("],
    ["resnet50-v1", resnet.bytes, "The one of timm is resnet50"],
    ["resnet50", hdf5, "Keras's ResNet50 is the encoder resnet50-v1"],
    [
      B0,
      bytes.subarray(0, bytes.length >> 1),
      "the file ends before the values of",
      "Give Keras's",
    ],
    [B0, bytes.subarray(0, 100), "its header does not lie in the file"],
    [B0, new Uint8Array(0), "the file is too short: 0 bytes"],
    [B0, text("<!DOCTYPE html><html>not found</html>"), "its header does not lie in the file"],
    [B0, text("PK\x03\x04 a PyTorch file"), "Give Keras's .h5 or .weights.h5, or timm's"],
    [B0, hdf5, "it is damaged: "],
  ];
  const before = memory();
  const output = join(FOLDER, "never.safetensors");
  for (const [encoder, content, ...says] of cases) {
    const path = await write("ill.safetensors", content);
    const error = await assertRejects(() => convertFile(path, encoder, output), PretrainedError);
    for (const part of says) assertStringIncludes(error.message, part);
    assert(!error.message.includes("\n"), error.message);
  }
  const missing = () => convertFile(join(FOLDER, "none.h5"), B0, output);
  await assertRejects(missing, PretrainedError, "there is no such file");
  await assertRejects(() => Deno.stat(output), Deno.errors.NotFound);
  assertEquals(memory(), before);
});

Deno.test("loadPretrained() refuses other, damaged and changed files, and leaves the model alone", async () => {
  const { bytes } = timmFile(B0);
  const source = await write("b0-timm.safetensors", bytes);
  const good = join(FOLDER, "b0.safetensors");
  await convertFile(source, B0, good);
  const whole = await Deno.readFile(good);
  const { tensors, metadata } = decodeSafetensors(whole, good);
  const flipped = whole.slice();
  flipped[flipped.length - 1000]! ^= 1;
  const withMetadata = (changed: Record<string, string>) =>
    encodeSafetensors({ tensors, metadata: { ...metadata, ...changed } });
  const reference = JSON.parse(metadata.reference!) as { rootMeanSquare: number }[];
  reference[2]!.rootMeanSquare *= 1.02;

  const cases: [string, Uint8Array, EncoderName, string][] = [
    [
      "another encoder's",
      whole,
      "efficientnet-b1",
      "are those of efficientnet-b0, and the model's",
    ],
    ["one bit changed", flipped, B0, "the numbers in it are not those that were written"],
    ["truncated", whole.subarray(0, whole.length - 1), B0, "the file ends before"],
    ["not converted", bytes, B0, 'it was not made by "deno task weights": convert it'],
    ["Keras's own", Uint8Array.of(0x89, 0x48, 0x44, 0x46, 1, 2, 3, 4, 5), B0, "deno task weights"],
    [
      "another definition",
      withMetadata({ reference: JSON.stringify(reference) }),
      B0,
      "what it did when they were converted (block4a_expand_activation)",
    ],
    ["a cut reference", withMetadata({ reference: "[{" }), B0, "reference input is damaged"],
    ["no reference", withMetadata({ reference: "[null]" }), B0, "reference input is damaged"],
    ["renamed", withMetadata({ encoder: "resnet34" }), "resnet34", "they do not fit resnet34"],
  ];
  const before = memory();
  for (const [what, content, encoder, says] of cases) {
    const path = await write("loaded.safetensors", content);
    const model = small(encoder);
    const start = valuesOf(model);
    const error = await assertRejects(() => loadPretrained(model, path), PretrainedError, says);
    assertStringIncludes(error.message, path, what);
    assertEquals(valuesOf(model), start, what);
    model.dispose();
  }
  const model = small();
  const missing = () => loadPretrained(model, join(FOLDER, "none.safetensors"));
  await assertRejects(missing, PretrainedError, '"deno task weights --help" tells how to make it');
  model.dispose();
  assertEquals(memory(), before);
});

Deno.test("convertFile() refuses HDF5 files that Keras did not write", async () => {
  const { FS: files } = await h5wasm.ready;
  const cases: [(file: File) => void, string][] = [
    [(file) => file.create_dataset({ name: "x", data: [1] }), "neither the layers of a Keras 3"],
    [
      (file) => {
        const variables = file.create_group("layers").create_group("conv2d").create_group("vars");
        variables.create_dataset({ name: "0", data: new Float32Array(4) });
      },
      "its layers have no names (conv2d). Load it in Keras",
    ],
    [
      (file) => {
        file.create_attribute("layer_names", ["conv"]);
        file.create_group("conv").create_attribute("weight_names", ["conv/kernel:0"]);
      },
      "it lacks conv/conv/kernel:0",
    ],
    [(file) => file.create_attribute("layer_names", ["conv"]), "it lacks the layer conv"],
    [(file) => file.create_group("layers"), "no layer in it has weights"],
    [
      (file) => { // a few hundred bytes that would become 2 GiB of zeros
        file.create_attribute("layer_names", ["conv"]);
        const conv = file.create_group("conv");
        conv.create_attribute("weight_names", ["kernel:0"]);
        const shape = { shape: [4], maxshape: [null], chunks: [4] };
        conv.create_dataset({ name: "kernel:0", data: new Float32Array(4), ...shape });
        (conv.get("kernel:0") as Dataset).resize([2 ** 29]);
      },
      "/conv/kernel:0 asks for 536870912 numbers, more than",
    ],
  ];
  for (const [fill, says] of cases) {
    const file = new File("/made.h5", "w");
    fill(file);
    file.close();
    const path = await write("made.h5", files.readFile("/made.h5"));
    const convert = () => convertFile(path, B0, join(FOLDER, "never"));
    await assertRejects(convert, PretrainedError, says);
  }
});

Deno.test("deno task weights converts a file, and tells what is wrong", async () => {
  const source = await write("cli-timm.safetensors", timmFile(B0).bytes);
  const output = join(FOLDER, "cli.safetensors");
  const cases: [string[], code: number, says: string][] = [
    [[source, "--encoder", B0, "--output", output], 0, "efficientnet-b0: "],
    [["--help"], 0, "Usage: deno task weights FILE --encoder NAME"],
    [[source, "--encoder", "resnet34", "--output", output], 1, "are not those of resnet34"],
    [[source, "--encoder", "vgg"], 2, "--encoder must be one of efficientnet-b0,"],
    [[source], 2, "--encoder must be one of"],
    [["--encoder", B0], 2, "one FILE must be named: none"],
    [[source, source, "--encoder", B0], 2, "one FILE must be named"],
    [[source, "--decoder", B0], 2, "--decoder"],
  ];
  for (const [args, code, says] of cases) {
    const { exit, lines } = await captured(() => main(args));
    assertEquals(exit, code, args.join(" "));
    assertStringIncludes(lines, says);
  }
  const model = small();
  await loadPretrained(model, output);
  model.dispose();
});

/** What a function writes to the console. */
async function captured(run: () => Promise<number>): Promise<{ exit: number; lines: string }> {
  const { log, error } = console;
  const lines: string[] = [];
  console.log = console.error = (...values: unknown[]) => void lines.push(values.join(" "));
  try {
    return { exit: await run(), lines: lines.join("\n") };
  } finally {
    Object.assign(console, { log, error });
  }
}
