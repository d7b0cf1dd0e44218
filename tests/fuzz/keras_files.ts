import h5wasm, { File, type Group } from "h5wasm";

const kernel = Float32Array.from({ length: 54 }, (_, i) => i / 7);

/** Small files in the layouts of Keras 2 and Keras 3, as `readKerasFile` documents them. */
export async function kerasFiles(): Promise<Uint8Array[]> {
  await h5wasm.ready;
  return [
    await write((file) => {
      file.create_attribute("layer_names", ["stem_conv", "stem_bn"]);
      const conv = file.create_group("stem_conv");
      conv.create_attribute("weight_names", ["stem_conv/kernel:0"]);
      conv.create_group("stem_conv")
        .create_dataset({ name: "kernel:0", data: kernel, shape: [3, 3, 3, 2] });
      const norm = file.create_group("stem_bn");
      norm.create_attribute("weight_names", ["stem_bn/gamma:0", "stem_bn/beta:0"]);
      const inside = norm.create_group("stem_bn");
      inside.create_dataset({ name: "gamma:0", data: Float32Array.of(1, 2), shape: [2] });
      inside.create_dataset({ name: "beta:0", data: Float64Array.of(3, 4), shape: [2] });
    }),
    await write((file) => {
      const layers = file.create_group("layers");
      const variables = layers.create_group("conv2d").create_group("vars");
      variables.create_attribute("name", "stem_conv");
      variables.create_dataset({ name: "0", data: kernel, shape: [3, 3, 3, 2] });
    }),
  ];
}

async function write(fill: (file: Group) => void): Promise<Uint8Array> {
  const { FS } = await h5wasm.ready;
  const path = "/seed.h5";
  const file = new File(path, "w");
  fill(file);
  file.close();
  const bytes = FS.readFile(path, { encoding: "binary" }) as Uint8Array;
  FS.unlink(path);
  return bytes;
}
