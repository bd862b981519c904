// One migration whose arguments are a value of the configuration, so that each test states its own.
import * as pulumi from "@pulumi/pulumi";
import * as cutover from "pulumi-cutover";

const config = new pulumi.Config();

type Connection = cutover.types.input.ValidationConnectionArgs;
type Args = cutover.MigrationCutoverArgs & { source: Connection; target: Connection };

const args = config.requireObject<Args>("args");
const password = config.requireSecret("password");

const shop = new cutover.MigrationCutover("shop", {
    ...args,
    source: { ...args.source, password },
    target: { ...args.target, password },
});

export const phase = shop.phase;
export const writer = shop.writer;
export const epoch = shop.epoch;
export const writePolicy = shop.writePolicy;
export const writePauseMs = shop.writePauseMs;
export const verdictBefore = shop.verdictBefore;
export const verdictFinal = shop.verdictFinal;
export const verdictAfter = shop.verdictAfter;
export const rollbackReady = shop.rollbackReady;
export const guarantee = shop.guarantee;
export const backTaskArn = shop.backTaskArn;
