/** Runs the programs of a round and talks to them by lines of JSON on their standard output. Runs in the orchestrator. */
import { spawn } from "node:child_process";

/** A program that prints lines of JSON. */
export class Program {
  /** @type {object[]} */
  #messages = [];
  /** @type {(() => void)[]} */
  #waiting = [];
  #ended = false;
  #rest = "";
  /** The lines it wrote that are not JSON. */
  text = /** @type {string[]} */ ([]);
  /** When it was started, by `performance.now()`. */
  started = performance.now();

  /**
   * @param {string[]} words the command
   * @param {Record<string, string>} [environment] beside the process's own
   */
  constructor(words, environment = {}) {
    const [command, ...flags] = words;
    this.child = spawn(/** @type {string} */ (command), flags, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    this.child.stdout.setEncoding("utf8").on("data", (text) => this.#take(text));
    this.child.stderr.setEncoding("utf8").on("data", (text) => this.text.push(text));
    this.child.on("error", (error) => this.text.push(String(error)));
    this.child.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** @param {string} text */
  #take(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = /** @type {string} */ (lines.pop());
    for (const line of lines) {
      if (line.startsWith("{")) this.#messages.push({ at: performance.now(), ...JSON.parse(line) });
      else this.text.push(line);
    }
    this.#wake();
  }

  #wake() {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /**
   * The next message; throws when the program ends without one or `seconds` are over.
   * @param {number} seconds
   * @returns {Promise<any>}
   */
  async message(seconds) {
    const end = performance.now() + seconds * 1000;
    while (this.#messages.length === 0) {
      const left = end - performance.now();
      if (this.#ended)
        throw new Error(`ended: ${this.text.join(" ").trim().slice(-400) || `code ${this.child.exitCode}`}`);
      if (left <= 0) throw new Error(`no answer within ${seconds} s`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve(null);
        });
      });
    }
    return this.#messages.shift();
  }

  /** Waits until it has ended, `seconds` at most, and returns when that was. @param {number} seconds */
  async end(seconds) {
    if (!this.#ended) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, seconds * 1000);
        this.child.once("close", () => {
          clearTimeout(timer);
          resolve(null);
        });
      });
    }
    return performance.now();
  }

  stop() {
    if (!this.#ended) this.child.kill("SIGKILL");
  }
}
