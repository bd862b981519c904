import * as pulumi from "@pulumi/pulumi";
import * as cutover from "pulumi-cutover";

const config = new pulumi.Config();

// Without a provider of its own a resource uses the default one, which the stack configures (`cutover:region`, ...) and
// which finds credentials where every AWS tool does. One of your own is for a second account or region: it takes
// nothing from the stack unless the program hands it on, as here.
const roleArn = config.get("assumeRoleArn");
const otherAccount =
    roleArn === undefined
        ? undefined
        : new cutover.Provider("other-account", {
              assumeRole: { roleArn },
              region: cutover.config.region,
              endpoints: cutover.config.endpoints,
          });

// Finds the two roles in the account, or makes them, and waits until they can be used. Every stack of the account
// shares them, so destroying this one leaves them where they are.
const roles = new cutover.DmsServiceRoles("dms-roles", {}, { provider: otherAccount });

// DMS looks its roles up by their names, so nothing that you make in DMS has one of them as an input, and Pulumi cannot
// see that it must wait. Say so with `dependsOn`. With the package @pulumi/aws that is:
//
//     new aws.dms.ReplicationSubnetGroup("payments", { ... }, { dependsOn: roles });

export const accountId = roles.accountId;
export const vpcRoleArn = roles.vpcRole.arn;
export const logsRoleArn = roles.cloudwatchLogsRole.arn;
