"""All stacks of an assembly as one graph of resources, resolved on demand.

Resolving a resource resolves its properties; a ``Ref`` or ``Fn::GetAtt`` in them asks for the description of another
resource (what it is called, its ARN and attributes), which resolves that one first. So the order of creation falls
out of the references, and a circle is found as the chain that closes it. As on CloudFormation a circle is one of
resources, not of properties, and ``DependsOn`` counts.

Each reference is kept with the property that made it, across imports, parameters of nested stacks and SSM parameters.
The planner learns from them which service receives which cache's endpoint.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from cachetwin_local.errors import UserError

from .arns import partition_of
from .resolved import Description, GivenValues, Reference, Resolved, ResolvedOutput
from .scope import StackScope
from .template import Assembly, Json, Resource, Stack
from .values.dynamic_references import join, parse_text
from .values.intrinsics import NO_VALUE, Resolver
from .values.stand_ins import MissingKind, StandIns
from .values.text import SecretRef, show
from .where import Step, Where

BOOTSTRAP_VERSION = "33"
CROSS_REGION_EXPORTS = "/cdk/exports/"
"""The version of the CDK's bootstrap template in aws-cdk 2.1148; templates only ask that it is not too old."""

Describe = Callable[["Graph", Resolved, Stack], Description]
IsNeeded = Callable[[str, Sequence[Step]], bool]


@dataclass(slots=True)
class _Frame:
    """The resource being resolved, and the property that needs a value of another template."""

    references: list[Reference] = field(default_factory=list)
    origin: tuple[Step, ...] | None = None


class Graph:
    """The resources of an assembly. `describe` is called once for each resource that is used or planned.

    `is_needed` says of a type's property whether a value that is missing there makes the resource unreadable, and of the
    type (an empty path) whether something runs for it; by default both hold everywhere.
    """

    def __init__(
        self,
        assembly: Assembly,
        describe: Describe,
        given: GivenValues | None = None,
        is_needed: IsNeeded = lambda _type, _path: True,
    ) -> None:
        self.assembly = assembly
        self.stand_ins = StandIns()
        self._is_needed = is_needed
        self._describe = describe
        self.given = given or GivenValues()
        self.given_secrets: dict[str, tuple[str, str]] = {}
        self._resolved: dict[str, Resolved] = {}
        self._failed: dict[str, UserError] = {}
        self._descriptions: dict[str, Description] = {}
        self.condition_values: dict[tuple[str, str], bool] = {}
        self._chain: list[str] = []
        self._frames: list[_Frame] = [_Frame()]

    def stack(self, name: str) -> Stack:
        """A stack by its CloudFormation name."""
        return self.assembly.stacks[name]

    def resource(self, key: str) -> Resource:
        """A resource as its template has it."""
        stack, _, logical_id = key.partition("/")
        return self.stack(stack).resources[logical_id]

    def resources(self, stack: str) -> list[Resource]:
        """The resources of a stack whose condition holds, in the template's order.

        A resource whose condition cannot be evaluated is left out; `exists` raises the reason.
        """
        found = []
        for resource in self.stack(stack).resources.values():
            with suppress(UserError):
                if self.exists(resource):
                    found.append(resource)
        return found

    def readable(self, *types: str) -> list[Resolved]:
        """The resources of these types that can be resolved and described."""
        found = []
        for resource in self.resources_of_type(*types):
            with suppress(UserError):
                self.described(resource.key)
                found.append(self.resolved(resource.key))
        return found

    def resources_of_type(self, *types: str) -> list[Resource]:
        """The resources of these types in all stacks whose condition holds."""
        return [r for name in self.assembly.stacks for r in self.resources(name) if r.type in types]

    def exists(self, resource: Resource) -> bool:
        """Whether the resource's condition holds, and those of the nested stacks it is in."""
        stack = self.stack(resource.stack)
        if stack.parent and stack.parent_logical_id:
            parent = self.stack(stack.parent).resources[stack.parent_logical_id]
            if not self.exists(parent):
                return False
        if resource.condition is None:
            return True
        where = Where(resource.stack, resource.logical_id, ("Condition",))
        return StackScope(self, stack).condition(resource.condition, where)

    def resolved(self, key: str) -> Resolved:
        """A resource with its properties resolved. Raises UserError when they form a circle or name what is not there."""
        if key in self._resolved:
            return self._resolved[key]
        if key in self._chain:
            circle = [*self._chain[self._chain.index(key) :], key]
            raise UserError(f"the resources refer to each other in a circle: {' -> '.join(circle)}")
        resource = self.resource(key)
        where = Where(resource.stack, resource.logical_id)
        self._chain.append(key)
        self._frames.append(_Frame())
        try:
            if resource.fault is not None:
                raise UserError(str(resource.fault))
            properties = self._value(resource.properties, where)
            if not isinstance(properties, dict):
                raise where.child("Properties").error(f"must be an object, got {type(properties).__name__}")
            self._refuse_missing(resource.type, properties, where)
            properties = self._without_missing(resource.type, properties)
            for other in resource.depends_on:
                self._depend(resource, other)
            resolved = Resolved(resource, properties, tuple(self._frames[-1].references))
        except UserError as error:
            self._failed.setdefault(key, error)
            raise
        finally:
            self._frames.pop()
            self._chain.pop()
        self._resolved[key] = resolved
        return resolved

    def described(self, key: str) -> Description:
        """The description of a resource."""
        if key not in self._descriptions:
            resolved = self.resolved(key)
            try:
                self._descriptions[key] = self._describe(self, resolved, self.stack(resolved.resource.stack))
            except UserError as error:
                self._failed.setdefault(key, error)
                raise
        return self._descriptions[key]

    def cause(self, error: UserError) -> str | None:
        """The key of the resource that an error came from: the first that failed with it."""
        return next((key for key, failure in self._failed.items() if str(failure) == str(error)), None)

    def property(self, resource: Resource, name: str, default: Json = None) -> Json:
        """One property, resolved by itself: for what must be known before the resource can be described."""
        if name not in resource.properties:
            return default
        where = Where(resource.stack, resource.logical_id, (name,))
        value = self._value(resource.properties[name], where)
        self._refuse_missing(resource.type, value, where)
        return value

    def _refuse_missing(self, type_name: str, value: Json, where: Where) -> None:
        """Raise UserError when a value that nobody gave is where the resource needs it."""
        if isinstance(value, dict):
            for key, item in value.items():
                self._refuse_missing(type_name, item, where.child(key))
        elif isinstance(value, list | tuple):
            for index, item in enumerate(value):
                self._refuse_missing(type_name, item, where if isinstance(value, tuple) else where.child(index))
        elif isinstance(value, str) and self.stand_ins.reason(value) and self._is_needed(type_name, where.path):
            self.stand_ins.need(value, where)

    def _without_missing(self, type_name: str, properties: Json) -> Json:
        """The properties of a type that runs without those that nobody gave, as if the template did not set them."""
        if not self._is_needed(type_name, ()):
            return properties
        return {
            name: value
            for name, value in properties.items()
            if not (isinstance(value, str) and self.stand_ins.reason(value))
        }

    def missing(self, kind: MissingKind, name: str, reason: str, where: Where) -> str:
        """What stands for a value that nobody gave. Raises UserError in a condition, which has to be known."""
        text = self.stand_ins.make(kind, name, reason, where)
        if where.logical_id == "Conditions" or where.path[:1] == ("Condition",):
            raise where.error(reason)
        return text

    def value(self, value: Json, where: Where) -> Json:
        """A value of a stack's template, resolved; strings that hold secrets become `Text` tuples.

        Raises UserError when a part of it was not given.
        """
        found = self._value(value, where)
        self._refuse_missing("", found, where)
        return found

    def _value(self, value: Json, where: Where) -> Json:
        scope = StackScope(self, self.stack(where.stack))
        return self._finish(Resolver(scope).resolve(value, where), where)

    def output(self, stack: str, name: str) -> ResolvedOutput | None:
        """An output of a stack, or None where its condition does not hold."""
        output = self.stack(stack).outputs[name]
        if not self._output_exists(stack, name, output):
            return None
        self._frames.append(_Frame())
        try:
            value = self._value(output.get("Value"), Where(stack, "Outputs", (name,)))
        finally:
            references = tuple(self._frames.pop().references)
        text = value if isinstance(value, str | tuple) else str(value)
        reason = next(
            (why for part in [text, *text] if isinstance(part, str) and (why := self.stand_ins.reason(part))), None
        )
        if reason is not None:
            raise Where(stack, "Outputs", (name,)).error(reason)
        return ResolvedOutput(text, str(output.get("Description", "")), references)

    def _output_exists(self, stack: str, name: str, output: Mapping[str, Json]) -> bool:
        if "Condition" not in output:
            return True
        return StackScope(self, self.stack(stack)).condition(output["Condition"], Where(stack, "Outputs", (name,)))

    def export_name(self, stack: str, name: str) -> str | None:
        """The name under which a stack exports an output."""
        export = self.stack(stack).outputs[name].get("Export")
        if export is None:
            return None
        where = Where(stack, "Outputs", (name, "Export", "Name"))
        if not isinstance(export, dict) or "Name" not in export:
            raise where.error("must be given")
        return Resolver(StackScope(self, self.stack(stack))).text(export["Name"], where)

    def find_secret(self, name: str, where: Where) -> str | None:
        """The key of the secret that the templates name `name`, for a use at `where`."""
        return self._find_named("AWS::SecretsManager::Secret", name, where)

    def ssm_parameter(self, name: str, where: Where) -> str:
        """The value of an SSM parameter that the app defines."""
        plain = name.partition(":")[0]
        if plain.startswith("/cdk-bootstrap/"):
            return BOOTSTRAP_VERSION
        if plain.startswith(CROSS_REGION_EXPORTS):
            exported = self._cross_region_export(plain, where)
            if exported is not None:
                return exported
        kind = "AWS::SSM::Parameter"
        # an ARN does not tell /name from name
        key = self._find_named(kind, plain, where) or self._find_named(kind, plain.removeprefix("/"), where)
        if key is None and plain in self.given.ssm:
            return self.given.ssm[plain]
        if key is None:
            reason = (
                f"SSM parameter must be one that a stack of this app defines, got {plain}; "
                "define it as AWS::SSM::Parameter, or give its value under [ssm] in cachetwin.toml"
            )
            return self.missing("ssm", plain, reason, where)
        self.record(key, "Value", where)
        value = self.resolved(key).properties.get("Value", "")
        return show(value)

    def _cross_region_export(self, name: str, where: Where) -> str | None:
        """What a stack of another region gives to this one by CDK's cross-region references."""
        for writer in self.resources_of_type("Custom::CrossRegionExportWriter"):
            exports = writer.properties.get("WriterProps")
            exported = exports.get("exports") if isinstance(exports, dict) else None
            if isinstance(exported, dict) and name in exported:
                place = Where(writer.stack, writer.logical_id, ("Properties", "WriterProps", "exports", name))
                with self.on_behalf_of(where):
                    return show(self._value(exported[name], place))
        return None

    def record(self, key: str, attribute: str, where: Where) -> None:
        """Remember that the property being resolved uses an attribute of a resource."""
        frame = self._frames[-1]
        frame.references.append(Reference(frame.origin or where.path, key, attribute))

    @contextmanager
    def on_behalf_of(self, where: Where) -> Iterator[None]:
        """Resolve a value of another template on behalf of the property at `where`."""
        frame = self._frames[-1]
        before = frame.origin
        frame.origin = before or where.path
        try:
            yield
        finally:
            frame.origin = before

    def nearest_first(self, stack: str, resources: list[Resource]) -> list[Resource]:
        """`resources`, those in the region of `stack` first: two regions may give one name to two things."""
        region = self.stack(stack).region
        return sorted(resources, key=lambda resource: self.stack(resource.stack).region != region)

    def _find_named(self, type_name: str, name: str, where: Where) -> str | None:
        for resource in self.nearest_first(where.stack, self.resources_of_type(type_name)):
            with suppress(UserError):
                if "Name" in resource.properties:
                    found = self.property(resource, "Name")
                else:
                    found = self.described(resource.key).physical_name
                if found == name:
                    return resource.key
        return None

    def _depend(self, resource: Resource, other: str) -> None:
        resources = self.stack(resource.stack).resources
        if other not in resources:
            where = Where(resource.stack, resource.logical_id, ("DependsOn",))
            raise where.error(f"must name resources of this stack, got {other}")
        if self.exists(resources[other]):
            self.resolved(resources[other].key)

    def _finish(self, value: Json, where: Where) -> Json:
        """Strings with dynamic references become texts, at any depth."""
        if isinstance(value, dict):
            return {key: self._finish(item, where.child(key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._finish(item, where.child(index)) for index, item in enumerate(value)]
        if not isinstance(value, str) or "{{resolve:" not in value:
            return None if value is NO_VALUE else value
        text = parse_text(value, where, self.ssm_parameter)
        if text == value:
            return text  # no whole reference is in it, such as in "{{resolve:" alone
        if isinstance(text, str):
            return self._finish(text, where)
        return join([self.by_arn(part, where) if isinstance(part, SecretRef) else part for part in text])

    def by_arn(self, secret: SecretRef, where: Where) -> SecretRef | str:
        """The reference by the secret's ARN; it may have been made by name. A string stands for one that is missing."""
        if secret.secret_arn.startswith("arn:"):
            self._use_given_secret(secret.secret_arn, secret.secret_arn)
            return secret
        key = self.find_secret(secret.secret_arn, where)
        if key is None and secret.secret_arn in self.given.secrets:
            stack = self.stack(where.stack)
            prefix = f"arn:{partition_of(stack.region)}:secretsmanager:{stack.region}:{stack.account}"
            arn = f"{prefix}:secret:{secret.secret_arn}-given0"
            self._use_given_secret(secret.secret_arn, arn)
            return SecretRef(arn, secret.json_key, secret.version_stage)
        if key is None:
            reason = (
                f"must name a secret that a stack of this app defines, got {secret.secret_arn}; give its value under "
                "[secrets] in cachetwin.toml"
            )
            return self.missing("secret", secret.secret_arn, reason, where)
        self.record(key, "Ref", where)
        return SecretRef(self.described(key).arn, secret.json_key, secret.version_stage)

    def _use_given_secret(self, name: str, arn: str) -> None:
        """Remember that the templates use a secret that was given, by its name or its ARN."""
        if name in self.given.secrets:
            self.given_secrets[arn] = name.rpartition(":secret:")[2], self.given.secrets[name]
