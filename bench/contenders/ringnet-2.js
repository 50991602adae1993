/** This package with 2 networking threads. */
import { withThreads } from "./ringnet.js";

export default withThreads(2);
