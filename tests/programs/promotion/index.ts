import * as pulumi from "@pulumi/pulumi";
import { Cabinet, Note } from "../specimen";

const config = new pulumi.Config();
const from = config.get("from");

const promoted = from === undefined ? undefined : new pulumi.StackReference(from);

const cabinet = new Cabinet("cabinet", {
    label: promoted ? pulumi.interpolate`${promoted.requireOutput("serial")}-promoted` : "oak",
    password: promoted ? promoted.requireOutput("key") : config.requireSecret("password"),
});
new Note("note", { title: cabinet.digest });

export const serial = cabinet.serial;
export const key = cabinet.key;
