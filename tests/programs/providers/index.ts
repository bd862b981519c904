import * as pulumi from "@pulumi/pulumi";
import { Cabinet, Note, PartsProvider, SpecimenProvider } from "../specimen";

const config = new pulumi.Config();
const way = config.require("way");

class Group extends pulumi.ComponentResource {
    constructor(name: string, opts: pulumi.ComponentResourceOptions) {
        super("test:index:Group", name, {}, opts);
    }
}

function options(): pulumi.ComponentResourceOptions {
    if (way === "default") {
        return {};
    }
    const specimen = new SpecimenProvider("my-specimen", {
        region: "here",
        attempts: config.getNumber("attempts") ?? 2,
        labels: { team: "payments" },
    });
    const parts = new PartsProvider("my-parts", { maker: "acme" });
    switch (way) {
        case "list":
            return { providers: [specimen, parts] };
        case "map":
            return { providers: { specimen, parts } };
        case "single":
            return { provider: specimen, providers: [parts] };
        case "inherited":
            return { parent: new Group("group", { providers: [specimen, parts] }) };
        default:
            throw new Error(`no way is called ${way}`);
    }
}

const opts = options();
const cabinet = new Cabinet("cabinet", { label: "oak" }, opts);
if (way === "default") {
    new Note("note", { title: "beside" });
}

export const serial = cabinet.serial;
