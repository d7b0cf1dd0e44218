import { fileURLToPath } from "node:url";
import { keepLoaded } from "@/tensorflow/keep_loaded.ts";
import type { StreamHeader } from "./frame.ts";
import { maximumPixels } from "./parse.ts";

const P = "pointer";
const DECOMPRESS = { parameters: [P, P, "usize", P, "i32", "i32"], result: "i32" } as const;

/** The part of the TurboJPEG API (turbojpeg.h, version 3) that decodes. */
const SYMBOLS = {
  tj3Init: { parameters: ["i32"], result: P },
  tj3Destroy: { parameters: [P], result: "void" },
  tj3Set: { parameters: [P, "i32", "i32"], result: "i32" },
  tj3Get: { parameters: [P, "i32"], result: "i32" },
  tj3GetErrorStr: { parameters: [P], result: P },
  tj3Alloc: { parameters: ["usize"], result: P },
  tj3Free: { parameters: [P], result: "void" },
  tj3DecompressHeader: { parameters: [P, P, "usize"], result: "i32" },
  tj3Decompress8: DECOMPRESS,
  tj3Decompress12: DECOMPRESS,
  tj3Decompress16: DECOMPRESS,
  // The same on another thread.
  tj3Decompress8Aside: { ...DECOMPRESS, name: "tj3Decompress8", nonblocking: true },
  tj3Decompress12Aside: { ...DECOMPRESS, name: "tj3Decompress12", nonblocking: true },
  tj3Decompress16Aside: { ...DECOMPRESS, name: "tj3Decompress16", nonblocking: true },
} as const;

// turbojpeg.h, enum TJINIT, TJPARAM, TJCS and TJPF.
const TO_DECOMPRESS = 1;
const Parameter = {
  stopOnWarning: 0,
  width: 5,
  height: 6,
  precision: 7,
  colorSpace: 8,
  scanLimit: 13,
  maximumMemory: 23, // MiB
  maximumPixels: 24,
} as const;
const GREY_SPACE = 2;
const GREY_PIXELS = 6;

/** As many scans as libvips takes: a progressive stream of few bytes may have many, each of all pixels. */
const SCANS = 100;
/** MiB: a progressive stream's coefficients have two bytes for each pixel. */
const MEMORY = 4 * maximumPixels / 2 ** 20;

const IN_WORKER = "DedicatedWorkerGlobalScope" in globalThis;

type Address = NonNullable<Deno.PointerValue>;

/**
 * libjpeg-turbo, by its own C API. Streams are decoded at the same time: each on a thread, or in a worker
 * on the worker's own.
 */
export class TurboJpeg {
  /** The library's file. */
  readonly path: string;
  readonly #c: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

  private constructor(path: string) {
    this.path = path;
    // A call may be under way when the program ends: its code must not go before it.
    keepLoaded(path);
    this.#c = Deno.dlopen(path, SYMBOLS).symbols;
  }

  /**
   * Opens the library of the npm package `@julusian/jpeg-turbo`; its JavaScript part is not used, as that
   * decodes with a cosine transform of less precision.
   *
   * @param path The library's file (default: the package's for this machine).
   * @throws {Error} If it is not there, or is not for this machine.
   */
  static open(path?: string): TurboJpeg {
    try {
      return new TurboJpeg(path ?? libraryPath());
    } catch (error) {
      throw new Error(`Cannot use libjpeg-turbo as ${(error as Error).message}`, { cause: error });
    }
  }

  /**
   * Decodes a grey stream: baseline, extended, progressive or lossless, with the accurate integer cosine
   * transform.
   *
   * @param bytes The stream; it may be changed as soon as this returns.
   * @param header What it is known to hold; it is checked again before memory is taken.
   * @returns One word for each pixel, row by row. // [height * width]
   * @throws {Error} If the stream is damaged, cut, or is not as its header says. What libjpeg only warns
   * of, and fills with grey, is an error.
   */
  async decode(bytes: Uint8Array, header: StreamHeader): Promise<Uint8Array | Uint16Array> {
    const { width, height, precision } = header;
    const c = this.#c;
    // A new one for each stream: it would take tables that a stream lacks from the one before.
    const decompressor = this.#makeDecompressor();
    // Memory of JavaScript would be freed under a call that is under way when the program ends.
    let source: Deno.PointerValue = null;
    let target: Deno.PointerValue = null;
    try {
      const length = BigInt(bytes.length);
      source = this.#allocate(bytes.length);
      new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(source, bytes.length)).set(bytes);
      this.#check(decompressor, c.tj3DecompressHeader(decompressor, source, length));
      this.#checkHeader(decompressor, header);
      const count = width * height;
      const pixels = precision <= 8 ? new Uint8Array(count) : new Uint16Array(count);
      target = this.#allocate(pixels.byteLength);
      const bits = precision <= 8 ? 8 : precision <= 12 ? 12 : 16;
      const call = [decompressor, source, length, target, width, GREY_PIXELS] as const;
      // A worker has nothing else to do; elsewhere the event loop goes on.
      const isDone = !IN_WORKER && await c[`tj3Decompress${bits}Aside`](...call) === 0;
      // The library keeps what is wrong for the thread that was told, so this one has to ask again.
      if (!isDone) this.#check(decompressor, c[`tj3Decompress${bits}`](...call));
      Deno.UnsafePointerView.copyInto(target, pixels);
      return pixels;
    } finally {
      c.tj3Free(source);
      c.tj3Free(target);
      c.tj3Destroy(decompressor);
    }
  }

  #makeDecompressor(): Address {
    const decompressor = this.#c.tj3Init(TO_DECOMPRESS);
    if (decompressor === null) throw new Error("libjpeg-turbo has no memory for a decompressor");
    this.#c.tj3Set(decompressor, Parameter.stopOnWarning, 1);
    this.#c.tj3Set(decompressor, Parameter.scanLimit, SCANS);
    this.#c.tj3Set(decompressor, Parameter.maximumMemory, MEMORY);
    this.#c.tj3Set(decompressor, Parameter.maximumPixels, maximumPixels);
    return decompressor;
  }

  #allocate(bytes: number): Address {
    const address = this.#c.tj3Alloc(BigInt(bytes));
    if (address === null) throw new Error(`there is no memory for ${bytes} bytes`);
    return address;
  }

  /** @throws {Error} With the library's own words, if a call's result says that it failed. */
  #check(decompressor: Address, result: number): void {
    if (result === 0) return;
    const text = this.#c.tj3GetErrorStr(decompressor);
    const words = text === null ? "its stream is damaged" : Deno.UnsafePointerView.getCString(text);
    throw new Error(words.replace(/^tj3\w+\(\): /, ""));
  }

  /** The pixels' memory is measured by the header as we read it: the library must read the same. */
  #checkHeader(decompressor: Address, { width, height, precision }: StreamHeader): void {
    const get = (parameter: number) => this.#c.tj3Get(decompressor, parameter);
    const found = [
      get(Parameter.width),
      get(Parameter.height),
      get(Parameter.precision),
      get(Parameter.colorSpace),
    ];
    if (found.join() !== [width, height, precision, GREY_SPACE].join()) {
      throw new Error("its header can be read in two ways");
    }
  }
}

/** Where the package has a library for this machine; it throws if there is none. */
function libraryPath(): string {
  const { os, arch } = Deno.build;
  const machine = `${os}-${arch === "x86_64" ? "x64" : "arm64"}`;
  // On macOS it is a part of the package's addon, which shows its functions.
  const names: Partial<Record<typeof os, string>> = {
    linux: "libturbojpeg.so.0",
    darwin: "node-napi-v10.node",
  };
  const name = names[os];
  if (name === undefined) throw new Error(`the package has no library for ${machine}`);
  return fileURLToPath(
    import.meta.resolve(`@julusian/jpeg-turbo/prebuilds/jpeg-turbo-${machine}/${name}`),
  );
}

function openHere(): TurboJpeg | Error {
  try {
    return TurboJpeg.open();
  } catch (error) {
    return error as Error;
  }
}

const opened = openHere();

/** The library on this machine, if it can be used. */
export const turboJpeg: TurboJpeg | null = opened instanceof Error ? null : opened;

/** Why it cannot be used, where it cannot. */
export const turboJpegProblem: string | null = opened instanceof Error ? opened.message : null;
