import * as pulumi from "@pulumi/pulumi";
import { Bolt, Note } from "../specimen";

const config = new pulumi.Config();

new Note("adopted", { title: "archive" }, { import: "archive" });

const missing = config.get("missing");
if (missing !== undefined) {
    new Note("missing", { title: missing }, { import: missing });
}

// What `pulumi import` has taken over, once the program knows of it.
if (config.getBoolean("found")) {
    new Bolt("found", {});
}
