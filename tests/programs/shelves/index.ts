import * as pulumi from "@pulumi/pulumi";
import { Shelf } from "../specimen";

const shelves = Array.from({ length: 20 }, (_, index) => new Shelf(`shelf-${index}`, { size: 5, prefix: `${index}` }));

export const bolts = pulumi.all(shelves.map(shelf => shelf.count)).apply(counts => counts.reduce((a, b) => a + b, 0));
