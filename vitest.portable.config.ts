/** The part of the suite for macOS and Windows, `npm run test:portable`: test/support/portable.ts says which files. */

import { mergeConfig } from "vitest/config";
import { portableFiles } from "./test/support/portable.js";
import config from "./vitest.config.js";

const merged = mergeConfig(config, {});
merged.test.include = portableFiles();
export default merged;
