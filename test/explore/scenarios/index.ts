/** All scenarios. Test code. */

import { BYTE_SCENARIOS } from "./bytes.js";
import { DOORBELL_SCENARIOS } from "./doorbell.js";
import { HANDOVER_SCENARIOS } from "./handover.js";
import { LIFE_SCENARIOS } from "./life.js";
import { MESSAGE_SCENARIOS } from "./messages.js";
import { SENT_MESSAGE_SCENARIOS } from "./messages-sent.js";
import { READY_SCENARIOS } from "./ready-list.js";
import { RECEIVE_SCENARIOS } from "./receive-path.js";
import { RECORD_SCENARIO } from "./records.js";
import { SEND_SCENARIOS } from "./send-path.js";
import { SIGNAL_SCENARIOS } from "./signal.js";
import { SLOT_QUEUE_SCENARIO } from "./slot-queue.js";
import { REUSE_SCENARIOS } from "./slot-reuse.js";
import { START_TLS_SCENARIOS } from "./start-tls.js";
import { TLS_OUTCOME_SCENARIOS } from "./tls-outcomes.js";

export const SCENARIOS = [
  ...BYTE_SCENARIOS,
  RECORD_SCENARIO,
  SLOT_QUEUE_SCENARIO,
  ...SIGNAL_SCENARIOS,
  ...DOORBELL_SCENARIOS,
  ...RECEIVE_SCENARIOS,
  ...MESSAGE_SCENARIOS,
  ...SEND_SCENARIOS,
  ...SENT_MESSAGE_SCENARIOS,
  ...START_TLS_SCENARIOS,
  ...TLS_OUTCOME_SCENARIOS,
  ...READY_SCENARIOS,
  ...REUSE_SCENARIOS,
  ...HANDOVER_SCENARIOS,
  ...LIFE_SCENARIOS,
];
