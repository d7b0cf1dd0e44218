import { join } from "node:path";
import { encodeRle, type Excluded, FILM_SIZE, type FilmFile, maskFromSquare } from "@/data/mod.ts";
import {
  decodeDicom,
  DicomError,
  type DicomFile,
  parseDicom,
  PNEUMOTHORAX,
  writeSegmentation,
} from "@/dicom/mod.ts";
import type { Member } from "@/experiments/mod.ts";
import { writeFileAtomic } from "@/files/mod.ts";
import { type MaskRule, type Prediction, ruleText, toMask } from "@/postprocessing/mod.ts";
import { describeMask, type FilmDescription } from "./describe_mask.ts";
import { greyPng, overlayPng } from "./pictures.ts";

/** What {@linkcode PredictionFolder} writes, and of what. */
export interface PredictionOptions {
  folder: string;
  /** The models that predict; the first one's experiment says what the masks show. */
  members: readonly Member[];
  rule: MaskRule;
  /** Default: false, each. */
  overlays?: boolean;
  dicomSegmentations?: boolean;
  json?: boolean;
  /** Default: now. */
  created?: Date;
}

/** What `predictions.json` says of a film; the names of files are relative to its folder. */
export interface FilmReport extends FilmDescription {
  imageId: string;
  /** Where the DICOM file was found. */
  file: string;
  sopInstanceUid: string | null;
  /** Pixels of the film and of its mask. */
  width: number;
  height: number;
  mask: string;
  overlay: string | null;
  /** `null` if the mask is empty, or it could not be written. */
  dicomSegmentation: string | null;
}

/**
 * The results of a prediction, film by film: `masks/<film>.png` at the film's own size and a row of
 * `submission.csv`; if wanted `overlays/<film>.png`, `segmentations/<film>.dcm` and `predictions.json`.
 *
 * A film in which nothing was found has no DICOM Segmentation: it would be listed in a viewer under the
 * finding's name. One that an earlier prediction left there is removed.
 */
export class PredictionFolder {
  /** Films that could not be written as a DICOM Segmentation, and why. */
  readonly failed: Excluded[] = [];
  /** Films in which nothing was found. */
  readonly negatives: string[] = [];
  readonly #options: PredictionOptions;
  readonly #created: Date;
  readonly #rows: string[] = [];
  readonly #reports: FilmReport[] = [];

  constructor(options: PredictionOptions) {
    this.#options = options;
    this.#created = options.created ?? new Date();
  }

  /** What the masks show. */
  get finding(): { code: string; meaning: string } {
    return this.#options.members[0]!.run.experiment.finding ?? PNEUMOTHORAX;
  }

  /** How many films were added. */
  get films(): number {
    return this.#rows.length;
  }

  /**
   * Makes the mask of a film and writes its files.
   *
   * @throws Whatever reading the film or writing a file throws.
   */
  async add(film: FilmFile, { probabilities }: Prediction): Promise<void> {
    const { folder, rule, overlays = false, dicomSegmentations = false, json = false } =
      this.#options;
    const { imageId, path, shape = { width: FILM_SIZE, height: FILM_SIZE } } = film;
    const square = toMask(probabilities, rule, film.sex);
    const mask = await maskFromSquare(square, shape);
    const positive = mask.includes(1);
    const names = {
      mask: `masks/${imageId}.png`,
      overlay: `overlays/${imageId}.png`,
      segmentation: `segmentations/${imageId}.dcm`,
    };
    await writeFileAtomic(join(folder, names.mask), await greyPng(mask, shape));
    if (overlays || dicomSegmentations || json) {
      const file = parseDicom(await Deno.readFile(path), path);
      if (overlays) {
        const { pixels } = await decodeDicom(file);
        const png = await overlayPng(pixels, shape, square);
        await writeFileAtomic(join(folder, names.overlay), png);
      }
      const segmented = dicomSegmentations &&
        await this.#segment(file, film, mask, join(folder, names.segmentation));
      this.#reports.push({
        imageId,
        file: path,
        sopInstanceUid: file.metadata.sopInstanceUid ?? null,
        ...shape,
        ...describeMask({ mask, shape, square, probabilities }, file),
        mask: names.mask,
        overlay: overlays ? names.overlay : null,
        dicomSegmentation: segmented ? names.segmentation : null,
      });
    }
    if (!positive) this.negatives.push(imageId);
    this.#rows.push(`${imageId},${encodeRle(mask, shape.width, shape.height)}\n`);
  }

  /** Returns whether there is a file. */
  async #segment(
    file: DicomFile,
    { imageId, path: source }: FilmFile,
    mask: Uint8Array,
    path: string,
  ): Promise<boolean> {
    // That of an earlier prediction.
    await Deno.remove(path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    if (!mask.includes(1)) return false;
    const { members } = this.#options;
    const LONGEST = 64;
    const names = [...new Set(members.map(({ run }) => run.experiment.name))];
    const algorithm = {
      name: names.join(", ").slice(0, LONGEST),
      versions: members.map(({ run, checkpoint }) => `${run.id}@${checkpoint}`.slice(-LONGEST)),
    };
    try {
      const { finding } = this;
      await writeSegmentation(path, file, { mask, finding, algorithm, created: this.#created });
      return true;
    } catch (error) {
      if (!(error instanceof DicomError)) throw error;
      this.failed.push({
        imageId,
        path: source,
        reason: `it has no DICOM Segmentation: ${error.reason}`,
      });
      return false;
    }
  }

  /**
   * Writes `submission.csv`, and `predictions.json` if wanted.
   *
   * @param excluded Films that were not predicted, for `predictions.json`.
   * @returns The path of `submission.csv`.
   */
  async finish(excluded: readonly Excluded[]): Promise<string> {
    const { folder, members, rule, json } = this.#options;
    const path = join(folder, "submission.csv");
    await writeFileAtomic(path, `ImageId,EncodedPixels\n${this.#rows.join("")}`);
    if (json) {
      const report = {
        version: 1,
        created: this.#created.toISOString(),
        notice: "Research use only, not a medical device",
        models: members.map(({ run, checkpoint }) => ({ run: run.id, checkpoint })),
        rule: ruleText(rule),
        finding: this.finding,
        films: this.#reports,
        excluded,
      };
      await writeFileAtomic(
        join(folder, "predictions.json"),
        `${JSON.stringify(report, null, 2)}\n`,
      );
    }
    return path;
  }
}
