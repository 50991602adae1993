/** llhttp as undici ships it: the bytes of a WebAssembly module. */
declare module "undici/lib/llhttp/llhttp-wasm.js" {
  const binary: Buffer;
  export default binary;
}

/** What is used of it; the rest comes with the types of browsers, which Node's do not include. */
declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: object;
  }
}
