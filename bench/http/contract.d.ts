/** What a contender does for the loads of HTTP. A load awaits each call: what blocks returns a plain value. */

export interface HttpContender {
  /** The whole body of a GET. */
  get(url: string): Uint8Array | Promise<Uint8Array>;
  /** `count` GETs over at most 10 connections; the number of bytes. */
  many?(url: string, count: number): number | Promise<number>;
  /** A GET whose body is read in pieces and thrown away, where the contender can do that; the number of bytes. */
  read(url: string): number | Promise<number>;
  /** The status of a POST. */
  post(url: string, body: Uint8Array): number | Promise<number>;
}

export interface HttpRun {
  /** `http://127.0.0.1:port` */
  origin: string;
  /** `https://127.0.0.1:port` */
  secure: string;
  /** About how long a measurement takes. */
  seconds: number;
}

export interface HttpLoad {
  name: string;
  title: string;
  metrics: import("../contenders/contract.js").Metric[];
  /** The most rounds, for loads that take long. */
  rounds?: number;
  nodeFlags?: string[];
  /** Its program is started and timed by `trial.js`. */
  cold?: boolean;
  measure(contender: HttpContender, run: HttpRun): Promise<import("../contenders/contract.js").Result>;
}
