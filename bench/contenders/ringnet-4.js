/** This package with 4 networking threads. */
import { withThreads } from "./ringnet.js";

export default withThreads(4);
