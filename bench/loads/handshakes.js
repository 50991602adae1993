/** Full TLS handshakes with the certificate verified, one after another. */
import { connectLoad } from "./connects.js";

export default connectLoad("handshakes", true);
