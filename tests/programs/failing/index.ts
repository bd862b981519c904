import * as pulumi from "@pulumi/pulumi";
import { Cabinet, Note } from "../specimen";

const broken = new pulumi.Config().getBoolean("broken") ?? true;

const cabinet = new Cabinet("cabinet", { label: "oak", broken });

new Note("dependent", { title: cabinet.serial });
new Note("independent", { title: "beside" });
