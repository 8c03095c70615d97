"""What is done with each property of AWS::ECS types."""

from cachetwin_local.resources.property_use import PropertyUse, recorded, refused

_HERE = "every task runs on this machine"
_NAMES = "a part of names and ARNs"
_TAGS = "nothing here reads tags"
_LIMITS = "a process has this machine's limits"
_MANY = "ECS's deployments are not followed: tasks are started and replaced at once"
_MESH = "names of VPC Lattice do not resolve here: give the addresses as variables"
_VOLUME = "no volume is mounted here: the folder is the task's own and starts empty"
_C = "ContainerDefinitions."

SERVICE = PropertyUse.of(
    "DesiredCount HealthCheckGracePeriodSeconds TaskDefinition "
    "LoadBalancers.ContainerName LoadBalancers.ContainerPort LoadBalancers.TargetGroupArn "
    "ServiceConnectConfiguration.Enabled ServiceConnectConfiguration.Namespace "
    "ServiceConnectConfiguration.Services.ClientAliases.DnsName ServiceConnectConfiguration.Services.ClientAliases.Port "
    "ServiceConnectConfiguration.Services.DiscoveryName ServiceConnectConfiguration.Services.PortName "
    "ServiceRegistries.RegistryArn",
    {
        **recorded(_NAMES, "Cluster ServiceName"),
        **recorded(
            "checked where the groups and subnets are of this app",
            "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups NetworkConfiguration.AwsvpcConfiguration.Subnets",
        ),
        **recorded(_TAGS, "EnableECSManagedTags PropagateTags Tags"),
        **recorded(
            _HERE,
            "CapacityProviderStrategy LaunchType NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp "
            "PlacementConstraints PlacementStrategies PlatformVersion",
        ),
        **recorded(
            _MANY,
            "AvailabilityZoneRebalancing DeploymentConfiguration DeploymentController ForceNewDeployment "
            "LoadBalancers.AdvancedConfiguration",
        ),
        **recorded("`cachetwin shell` opens one in a task", "EnableExecuteCommand"),
        **recorded("permissions are not checked yet", "Role"),
        **recorded("metrics are the processes' own", "Monitoring"),
        **recorded(
            "a name stands for the addresses of the tasks; there is no proxy",
            "ServiceConnectConfiguration.AccessLogConfiguration ServiceConnectConfiguration.ContainerConfigurations "
            "ServiceConnectConfiguration.LogConfiguration ServiceConnectConfiguration.Services.IngressPortOverride "
            "ServiceConnectConfiguration.Services.Timeout ServiceConnectConfiguration.Services.Tls "
            "ServiceConnectConfiguration.Services.ClientAliases.TestTrafficRules ServiceRegistries.ContainerName "
            "ServiceRegistries.ContainerPort ServiceRegistries.Port",
        ),
    },
    {
        **refused(_MESH, "VpcLatticeConfigurations GatewayConnectors"),
        **refused(_VOLUME, "VolumeConfigurations"),
        **refused("as many tasks as DesiredCount run here", "SchedulingStrategy", unless=("REPLICA",)),
        **refused("a classic load balancer does not run here", "LoadBalancers.LoadBalancerName"),
    },
)

TASK_DEFINITION = PropertyUse.of(
    f"{_C}Command {_C}DependsOn.ContainerName {_C}DependsOn.Condition {_C}EntryPoint {_C}Environment.* {_C}Essential "
    f"{_C}HealthCheck.Command {_C}HealthCheck.Interval {_C}HealthCheck.Retries {_C}HealthCheck.StartPeriod "
    f"{_C}HealthCheck.Timeout {_C}Image {_C}Name "
    f"{_C}PortMappings.ContainerPort {_C}PortMappings.Protocol {_C}RestartPolicy.* {_C}Secrets.* "
    f"{_C}StartTimeout {_C}StopTimeout {_C}WorkingDirectory "
    "TaskRoleArn Cpu Memory",
    {
        **recorded(_NAMES, f"Family {_C}PortMappings.Name {_C}PortMappings.AppProtocol"),
        **recorded(_TAGS, f"Tags {_C}DockerLabels"),
        **recorded(
            _LIMITS,
            f"EphemeralStorage {_C}Cpu {_C}Memory {_C}MemoryReservation {_C}Ulimits {_C}SystemControls "
            f"{_C}LinuxParameters.MaxSwap {_C}LinuxParameters.SharedMemorySize {_C}LinuxParameters.Swappiness "
            f"{_C}LinuxParameters.Tmpfs",
        ),
        **recorded(
            "a process has the rights of the user who starts it",
            f"ExecutionRoleArn {_C}Privileged {_C}User {_C}LinuxParameters.Capabilities "
            f"{_C}DockerSecurityOptions {_C}CredentialSpecs {_C}RepositoryCredentials {_C}ReadonlyRootFilesystem",
        ),
        **recorded(
            _HERE,
            f"NetworkMode RequiresCompatibilities RuntimePlatform PidMode IpcMode PlacementConstraints "
            f"{_C}PortMappings.HostPort {_C}Hostname {_C}LinuxParameters.InitProcessEnabled {_C}VersionConsistency "
            f"{_C}Interactive {_C}PseudoTerminal",
        ),
        **recorded("`cachetwin logs` has the output of every task", f"{_C}LogConfiguration {_C}FirelensConfiguration"),
        **recorded("said at the container that mounts it", "Volumes"),
        **recorded("faults are made with the runner's own commands", "EnableFaultInjection"),
    },
    {
        **refused(_VOLUME, f"{_C}MountPoints {_C}VolumesFrom"),
        **refused("files in S3 are not read: write the variables into Environment", f"{_C}EnvironmentFiles"),
        **refused(
            "names are this machine's: give addresses as variables",
            f"{_C}ExtraHosts {_C}Links {_C}DnsServers {_C}DnsSearchDomains",
        ),
        **refused("the process reaches the network", f"{_C}DisableNetworking"),
        **refused("ports are listed one by one here", f"{_C}PortMappings.ContainerPortRange"),
        **refused(
            "a process has this machine's devices",
            f"{_C}ResourceRequirements {_C}LinuxParameters.Devices InferenceAccelerators",
        ),
        **refused("no proxy of a mesh runs beside a task", "ProxyConfiguration"),
    },
)
