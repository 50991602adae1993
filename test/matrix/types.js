/** TypeScript's versions and module settings: a user's file compiles, with the declarations themselves checked. */

const USER = `
import { connect, listen, NetError, type TcpSocket, type ConnectOptions } from "ringnet";
import net, { tcp } from "ringnet/net";
import { fetch } from "ringnet/http";

const options: ConnectOptions = { host: "127.0.0.1", port: 1, timeout: 1000 };
export function read(): string | null {
  const socket: TcpSocket = connect(options);
  return socket.readLine(1000);
}
export const port: number = listen({ host: "127.0.0.1" }).port;
export const code = (error: unknown): string => (error instanceof NetError ? error.code : "none");
const [address] = net.resolve_address("localhost");
export const status: net.status | null = address === null ? null : address.get_status()[0];
export const isTcp = (value: unknown): value is net.tcp => value instanceof tcp;
export const page: string = fetch("http://localhost/").text();
// @ts-expect-error a port is a number
connect({ port: "http" });
`;

const REQUIRES = `
import ringnet = require("ringnet");
import face = require("ringnet/net");
export const socket: ringnet.TcpSocket = ringnet.connect({ port: 1 });
export const same: boolean = face.net === ringnet.net;
`;

/** What every version has. */
const SETTINGS = [
  ["node16", "node16"],
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
];

export function cells({ typescripts }) {
  return Object.entries(typescripts).flatMap(([version, { tsc, types }]) =>
    SETTINGS.map(([module, moduleResolution]) => ({
      table: "TypeScript",
      row: `TypeScript ${version}`,
      column: `module ${module === "esnext" ? "esnext, resolution bundler" : module}`,
      test(project) {
        project.write({
          "package.json": { type: "module" },
          "user.mts": USER,
          ...(module === "esnext"
            ? {}
            : { "user.cts": USER.replace("import net, { tcp }", "import { net, tcp }"), "requires.cts": REQUIRES }),
          "tsconfig.json": {
            compilerOptions: {
              module,
              moduleResolution,
              target: "es2022",
              strict: true,
              noEmit: true,
              skipLibCheck: false,
              types: ["node"],
              typeRoots: [types],
            },
            files: ["user.mts", ...(module === "esnext" ? [] : ["user.cts", "requires.cts"])],
          },
        });
        project.run(process.execPath, [tsc, "-p", "."]);
      },
    })),
  );
}
