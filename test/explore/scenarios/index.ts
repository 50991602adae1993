/** All scenarios. Test code. */

import { BYTE_SCENARIOS } from "./bytes.js";
import { DOORBELL_SCENARIOS } from "./doorbell.js";
import { RECORD_SCENARIO } from "./records.js";
import { RECEIVE_SCENARIOS } from "./receive-path.js";
import { SIGNAL_SCENARIOS } from "./signal.js";
import { SLOT_QUEUE_SCENARIO } from "./slot-queue.js";

export const SCENARIOS = [
  ...BYTE_SCENARIOS,
  RECORD_SCENARIO,
  SLOT_QUEUE_SCENARIO,
  ...SIGNAL_SCENARIOS,
  ...DOORBELL_SCENARIOS,
  ...RECEIVE_SCENARIOS,
];
