/** The peer sends as fast as the contender reads. */
import { bulkLoad } from "./transfer.js";

export default bulkLoad(false);
