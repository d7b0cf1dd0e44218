import { join } from "node:path";

/** What a film was prepared from, and what came of it. */
export interface ManifestEntry {
  imageId: string;
  /** Size of the DICOM file. */
  bytes: number;
  /** When the DICOM file was last changed, milliseconds since 1970. */
  modified: number;
  /** SHA-256 of the DICOM file. */
  sha256: string;
  /** SHA-256 of the annotation rows; empty for a film that is not annotated. */
  annotation: string;
  /** Size of the image's file. */
  imageBytes: number;
  /** Size of the mask's file; 0 where there is none. */
  maskBytes: number;
}

/**
 * The list of finished films in a folder, `films.jsonl`. A line is added after a film's files are in
 * place, so a film without a line, or with half a line, is simply done again.
 */
export class Manifest {
  readonly #path: string;
  readonly #entries: Map<string, ManifestEntry>;
  #file: Deno.FsFile | undefined;

  private constructor(path: string, entries: Map<string, ManifestEntry>) {
    this.#path = path;
    this.#entries = entries;
  }

  /** Reads a folder's manifest; it is empty if there is none yet. */
  static async open(folder: string): Promise<Manifest> {
    const path = join(folder, "films.jsonl");
    const entries = new Map<string, ManifestEntry>();
    for (const line of (await readIfThere(path)).split("\n")) {
      const entry = parseLine(line);
      if (entry) entries.set(entry.imageId, entry);
    }
    return new Manifest(path, entries);
  }

  get(imageId: string): ManifestEntry | undefined {
    return this.#entries.get(imageId);
  }

  /** Synchronous, so that lines of films under way at the same time cannot mix. */
  add(entry: ManifestEntry): void {
    this.#entries.set(entry.imageId, entry);
    this.#file ??= Deno.openSync(this.#path, { append: true, create: true });
    // The line break in front ends the half line that a killed process may have left.
    this.#file.writeSync(new TextEncoder().encode(`\n${JSON.stringify(entry)}\n`));
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function parseLine(line: string): ManifestEntry | undefined {
  try {
    const entry: Partial<ManifestEntry> | null = JSON.parse(line);
    return typeof entry?.imageId === "string" ? entry as ManifestEntry : undefined;
  } catch {
    return undefined;
  }
}
