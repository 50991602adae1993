/** llhttp as undici ships it: the bytes of a WebAssembly module. */
declare module "undici/lib/llhttp/llhttp-wasm.js" {
  const binary: Buffer;
  export default binary;
}

/** The part of WebAssembly that is used. The full types belong to the browsers' types, which Node's do not include. */
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
