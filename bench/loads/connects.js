/** Connections opened and closed one after another: each is used for nothing. What connects and handshakes share. */

/** The most connections before the measurement, which last at most as long as it does: the just-in-time compiler compiles their code. */
const WARM_UP = 1000;

/** @param {string} name @param {boolean} encrypted @returns {import("../contenders/contract.js").Load} */
export function connectLoad(name, encrypted) {
  return {
    name,
    title: encrypted ? "TLS handshakes" : "connects",
    service: encrypted ? "tls" : "echo",
    metrics: [
      { id: "connections", label: encrypted ? "TLS handshakes" : "connections opened", unit: "/s", better: "higher" },
    ],
    blocking(run, contender) {
      let result = 0;
      for (const most of [WARM_UP, Number.POSITIVE_INFINITY]) {
        const start = performance.now();
        let done = 0;
        for (; done < most && performance.now() < start + run.seconds * 1000; done++) {
          contender.connect(run.host, run.port, encrypted ? run.certificate : undefined).close();
        }
        result = (done / (performance.now() - start)) * 1000;
      }
      return { connections: result };
    },
    async events(run, contender) {
      let result = 0;
      for (const most of [WARM_UP, Number.POSITIVE_INFINITY]) {
        const start = performance.now();
        let done = 0;
        for (; done < most && performance.now() < start + run.seconds * 1000; done++) {
          (await contender.connect(run.host, run.port, encrypted ? run.certificate : undefined)).destroy();
        }
        result = (done / (performance.now() - start)) * 1000;
      }
      return { connections: result };
    },
  };
}

export default connectLoad("connects", false);
