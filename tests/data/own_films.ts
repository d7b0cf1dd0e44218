import { join } from "node:path";
import sharp from "sharp";
import type { FilmShape } from "@/data/mod.ts";
import { deterministicUid, writeDicom } from "@/dicom/mod.ts";
import { Random } from "@/random/mod.ts";

/** A made-up film of another kind than the competition's: any shape, 12 bits, low values are white. */
export interface OwnFilm extends FilmShape {
  imageId: string;
  /** None: "". */
  patientId: string;
  /** Centre and radius of the finding, a bright disc, as shares of the shorter side; undefined: none. */
  disc?: { x: number; y: number; radius: number };
}

/** Films of several shapes and patients, two of three with a disc. */
export function ownFilms(count: number): OwnFilm[] {
  const shapes = [[200, 160], [160, 240], [300, 300], [90, 60]] as const;
  return Array.from({ length: count }, (_, i): OwnFilm => {
    const random = new Random(7, `own ${i}`);
    const [width, height] = shapes[i % shapes.length]!;
    const disc = {
      x: random.uniform(0.3, 0.7),
      y: random.uniform(0.3, 0.7),
      radius: random.uniform(0.12, 0.25),
    };
    return {
      imageId: `case_${String(i).padStart(2, "0")}`,
      patientId: i % 4 === 3 ? "" : `Doe^John ${Math.floor(i / 2)}`,
      width,
      height,
      ...(i % 3 !== 0 && { disc }),
    };
  });
}

/** The true mask of a film. // [height * width] */
export function discMask({ width, height, disc }: OwnFilm): Uint8Array {
  const side = Math.min(width, height);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) / side, Math.floor(i / width) / side];
    return disc && Math.hypot(x - disc.x * width / side, y - disc.y * height / side) < disc.radius
      ? 1
      : 0;
  });
}

/** Writes a film as `<folder>/<imageId>.dcm`: stored values 0 to 4095, MONOCHROME1. */
export async function writeOwnFilm(folder: string, film: OwnFilm): Promise<string> {
  const { imageId, patientId, width, height } = film;
  const random = new Random(8, imageId);
  const mask = discMask(film);
  const pixels = Uint16Array.from(mask, (inside, i) => {
    const shade = 500 + 1200 * (i % width) / width + random.uniform(0, 300) + 1600 * inside;
    return 4095 - Math.round(shade);
  });
  const path = join(folder, `${imageId}.dcm`);
  await writeDicom(path, {
    pixels,
    width,
    height,
    bitsStored: 12,
    photometricInterpretation: "MONOCHROME1",
    pixelSpacing: { row: 0.8, column: 0.8 },
  }, {
    patientId,
    sex: "M",
    age: "040Y",
    view: "PA",
    studyInstanceUid: deterministicUid(`own study ${imageId}`),
    seriesInstanceUid: deterministicUid(`own series ${imageId}`),
    sopInstanceUid: deterministicUid(`own ${imageId}`),
  });
  return path;
}

/** Writes a film's mask as `<folder>/<imageId>.png`, 0 and 255. */
export async function writeOwnMask(folder: string, film: OwnFilm): Promise<void> {
  const { width, height, imageId } = film;
  const white = discMask(film).map((value) => 255 * value);
  const png = await sharp(white, { raw: { width, height, channels: 1 } }).png().toBuffer();
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(join(folder, `${imageId}.png`), png);
}
