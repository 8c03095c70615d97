"""Secrets and their generation."""

from tests.local.resources.templates import DATABASE, one, plan_of


def test_a_secret_is_generated_with_every_setting_of_the_template() -> None:
    settings = {
        "PasswordLength": 20,
        "ExcludeCharacters": "@/",
        "ExcludeNumbers": True,
        "ExcludePunctuation": True,
        "ExcludeUppercase": True,
        "ExcludeLowercase": False,
        "IncludeSpace": True,
        "RequireEachIncludedType": False,
        "SecretStringTemplate": '{"username":"app"}',
        "GenerateStringKey": "password",
    }
    (secret,) = plan_of(Secret=one("SecretsManager::Secret", Name="a/b", GenerateSecretString=settings)).secrets
    made = secret.generate
    assert made is not None
    assert (made.password_length, made.exclude_characters, made.exclude_numbers, made.include_space) == (
        20,
        "@/",
        True,
        True,
    )
    assert (made.require_each_included_type, made.generate_string_key) == (False, "password")
    assert secret.identity.arn.startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:a/b-")


def test_a_secret_without_instructions_is_generated_as_the_service_does() -> None:
    (secret,) = plan_of(Secret=one("SecretsManager::Secret")).secrets
    assert secret.generate is not None
    assert (secret.generate.password_length, secret.generate.secret_string_template) == (32, None)


def test_a_secret_may_hold_what_the_template_computes() -> None:
    value = {"Fn::Sub": '{"host":"${Db.Endpoint.Address}"}'}
    topology = plan_of(Db=one("RDS::DBInstance", **DATABASE), Secret=one("SecretsManager::Secret", SecretString=value))
    assert topology.secrets[0].value == f'{{"host":"{topology.databases[0].endpoint.address}"}}'
