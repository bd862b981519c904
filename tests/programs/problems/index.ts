import * as pulumi from "@pulumi/pulumi";
import { Cabinet, Note } from "../specimen";

const config = new pulumi.Config();

switch (config.require("kind")) {
    case "types of a resource":
        new Note("note", {
            boddy: "misspelt",
            priority: "high",
            password: pulumi.secret(["swordfish"]),
            lines: [{ text: "right" }, { weight: 1 }],
        });
        break;
    case "types of a component":
        new Cabinet("cabinet", {
            lable: "misspelt",
            broken: "no",
            password: pulumi.secret(["swordfish"]),
        });
        break;
    case "values":
        new Note("note", { title: "", password: pulumi.secret("Øx") });
        new Cabinet("cabinet", { label: "", password: pulumi.secret("Øx") });
        break;
}
