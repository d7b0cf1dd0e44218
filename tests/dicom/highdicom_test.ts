import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import {
  deterministicUid,
  encodeDicom,
  encodeJpeg,
  encodeSegmentation,
  parseDicom,
} from "@/dicom/mod.ts";
import { Random } from "@/random/mod.ts";
import { findTensorFlow } from "@/tensorflow/library.ts";
import { withFolder } from "../data/small_dataset.ts";
import { pydicomFolder } from "./pydicom.ts";

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);
const hasHighdicom = await exists(join(pydicomFolder, "highdicom")) &&
  await exists(join(pydicomFolder, "setup.txt"));
const hasDcmtk = await new Deno.Command("dcmdump", { args: ["--version"], stdout: "null" }).output()
  .then(({ success }) => success, () => false);

/** Films of other kinds than the competition's, and one of pydicom's: implicit VR, 16 bits. */
async function films(): Promise<Map<string, Uint8Array>> {
  const identity = (name: string) => ({
    patientId: `Patient^${name}`,
    studyInstanceUid: deterministicUid(`study ${name}`),
    seriesInstanceUid: deterministicUid(`series ${name}`),
    sopInstanceUid: deterministicUid(name),
  });
  const pixels = new Uint8Array(24 * 16).fill(7);
  const jpeg = await encodeJpeg(pixels, 24, 16);
  const odd = new Uint16Array(13 * 7).fill(3000);
  const found = new Map([
    ["jpeg", encodeDicom({ pixels: { jpeg }, width: 24, height: 16 }, identity("jpeg"))],
    [
      "odd",
      encodeDicom({
        pixels: odd,
        width: 13,
        height: 7,
        bitsStored: 12,
        photometricInterpretation: "MONOCHROME1",
      }, identity("odd")),
    ],
  ]);
  const data = join(pydicomFolder, "pydicom", "data", "test_files");
  for (const name of ["MR_small_implicit.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm"]) {
    const path = join(data, name);
    if (await exists(path)) found.set(name.replace(".dcm", ""), await Deno.readFile(path));
  }
  return found;
}

/** Writes each film and its segmentation; returns the masks. */
async function writeAll(folder: string): Promise<Map<string, Uint8Array>> {
  const masks = new Map<string, Uint8Array>();
  for (const [name, bytes] of await films()) {
    const source = parseDicom(bytes, name);
    const { rows, columns } = source.metadata;
    const random = new Random(0, name);
    const mask = Uint8Array.from(
      { length: rows * columns },
      () => random.uniform(0, 1) < 0.4 ? 1 : 0,
    );
    const segmentation = {
      mask,
      algorithm: { name: "test", versions: ["1"] },
      created: new Date(),
    };
    await Deno.writeFile(join(folder, `${name}.dcm`), bytes);
    await Deno.writeFile(join(folder, `${name}.seg.dcm`), encodeSegmentation(source, segmentation));
    masks.set(name, mask);
  }
  return masks;
}

Deno.test({
  name: "encodeSegmentation() writes what highdicom and pydicom read" +
    (hasHighdicom ? "" : " (ignored: `deno task pydicom` installs them)"),
  ignore: !hasHighdicom,
  fn: () =>
    withFolder(async (folder) => {
      const masks = await writeAll(folder);
      assertEquals(masks.size, 5);
      const { success, stdout, stderr } = await new Deno.Command(findTensorFlow().python!, {
        args: [join(import.meta.dirname!, "highdicom_oracle.py"), folder],
        env: { PYTHONPATH: pydicomFolder },
        stdin: "null",
      }).output();
      assert(success, new TextDecoder().decode(stderr));
      const found = JSON.parse(new TextDecoder().decode(stdout));
      assertEquals(found.length, masks.size);
      for (const { name, shape, source, expected, differing, ...segment } of found) {
        const mask = masks.get(name)!;
        assertEquals(shape[1] * shape[2], mask.length, name);
        assertEquals(await Deno.readFile(join(folder, `${name}.pixels`)), mask, name);
        assertEquals(source, expected, name);
        assertEquals(differing, [], name);
        assertEquals(segment, {
          label: "Pneumothorax",
          type: "36118008",
          category: "Morphologically Abnormal Structure",
          algorithm: "AUTOMATIC",
        });
      }
    }),
});

Deno.test({
  name: "encodeSegmentation() writes what dcmtk reads without a warning" +
    (hasDcmtk ? "" : " (ignored: dcmdump is not installed)"),
  ignore: !hasDcmtk,
  fn: () =>
    withFolder(async (folder) => {
      const masks = await writeAll(folder);
      for (const name of masks.keys()) {
        const { success, stdout, stderr } = await new Deno.Command("dcmdump", {
          args: [join(folder, `${name}.seg.dcm`)],
        }).output();
        assert(success, name);
        assertEquals(new TextDecoder().decode(stderr), "", name);
        const dump = new TextDecoder("latin1").decode(stdout);
        assert(dump.includes("(0008,0016) UI =SegmentationStorage"), name);
        assert(dump.includes("SpatialLocationsPreserved"), name);
      }
    }),
});
