/** A decoder of the @cornerstonejs codecs: C++ compiled to WebAssembly. */
export interface WasmDecoder {
  /** Memory for the compressed stream, to be filled. */
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  /** A view of the decoder's memory: one byte a sample up to 8 bits, else two, little endian. */
  getDecodedBuffer(): Uint8Array;
  delete(): void;
}

/** A loaded codec, by its decoders' classes. */
export type WasmModule = Record<string, new () => WasmDecoder> & {
  /** Type and text of a C++ exception, where the codec was built with it. */
  getExceptionMessage?(pointer: number): [type: string, text: string];
};

/** What a codec's npm package exports: it makes a new instance with a memory of its own. */
export type WasmFactory = (options: {
  print(line: string): void;
  printErr(line: string): void;
}) => Promise<WasmModule>;

/** A codec that is loaded when it is first needed, and anew after it has failed. */
export class WasmCodec {
  readonly #load: () => Promise<{ default: unknown }>;
  readonly #className: string;
  #module: Promise<WasmModule> | undefined;
  /** What it said on its standard error; some codecs give no other reason. */
  #said: string[] = [];

  /**
   * @param load Imports the package.
   * @param className Of the decoder in it.
   */
  constructor(load: () => Promise<{ default: unknown }>, className: string) {
    this.#load = load;
    this.#className = className;
  }

  /**
   * Decodes a stream.
   *
   * @param samples How many are expected, of one byte or two.
   * @throws {Error} If the stream is damaged, or gives another number of bytes.
   */
  async decode(stream: Uint8Array, samples: number, bytesPerSample: 1 | 2): Promise<Uint16Array> {
    const module = await (this.#module ??= this.#start());
    this.#said = [];
    const wanted = samples * bytesPerSample;
    try {
      const decoder = new module[this.#className]!();
      decoder.getEncodedBuffer(stream.length).set(stream);
      decoder.decode();
      const bytes = decoder.getDecodedBuffer();
      const words = bytes.length === wanted ? wordsOf(bytes, samples, bytesPerSample) : undefined;
      decoder.delete();
      if (words) return words;
    } catch (thrown) {
      // Its memory may be damaged, and what it had allocated is lost.
      this.#module = undefined;
      throw new Error(reasonOf(thrown, module, this.#said), { cause: thrown });
    }
    throw new Error(this.#said[0] ?? `it does not give the ${wanted} bytes of its pixels`);
  }

  async #start(): Promise<WasmModule> {
    const { default: factory } = await this.#load();
    return await (factory as WasmFactory)({
      print: () => {},
      printErr: (line) => this.#said.push(line.trim()),
    });
  }
}

function wordsOf(bytes: Uint8Array, count: number, bytesPerSample: 1 | 2): Uint16Array {
  if (bytesPerSample === 1) return Uint16Array.from(bytes);
  return Uint16Array.from({ length: count }, (_, i) => bytes[2 * i]! | (bytes[2 * i + 1]! << 8));
}

/** C++ exceptions are thrown as their address. */
function reasonOf(thrown: unknown, module: WasmModule, said: readonly string[]): string {
  if (thrown instanceof Error) return thrown.message;
  const message = typeof thrown === "number" ? module.getExceptionMessage?.(thrown)[1] : undefined;
  return message ?? said[0] ?? "its stream is damaged";
}
