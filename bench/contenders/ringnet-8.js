/** This package with 8 networking threads. */
import { withThreads } from "./ringnet.js";

export default withThreads(8);
