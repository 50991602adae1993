/** The peer receives as fast as the contender writes. */
import { bulkLoad } from "./transfer.js";

export default bulkLoad(true);
