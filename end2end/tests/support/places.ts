// Where the build is.
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
/** The build that is tested: ours, or a copy that no later build changes while the tests run. */
const build = process.env.TEST_BUILD ?? path.join(root, "target");
export const site = path.join(build, "site");
/** Pictures for people to look at; nothing compares them. */
export const screens = path.join(root, "target/screens");
export const program = (name: string) => path.join(build, "release", name);
