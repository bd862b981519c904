// One shift whose arguments are a value of the configuration, so that each test states its own.
import * as pulumi from "@pulumi/pulumi";
import * as cutover from "pulumi-cutover";

const config = new pulumi.Config();
const args = config.requireObject<cutover.WeightedShiftArgs>("args");

const shift = new cutover.WeightedShift("shift", args);

export const phase = shift.phase;
export const reason = shift.reason;
export const stepIndex = shift.stepIndex;
export const requestedShare = shift.requestedShare;
export const history = shift.history;
export const breakGlass = shift.breakGlass;
