"""The keyring: real ones only, whatever environment and configuration say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import SecretService, chainer, fail, null
from keyring.errors import KeyringLocked, PasswordDeleteError

from iop_tui.kernel.errors import MediumUnusable
from iop_tui.kernel.secret import Secret
from iop_tui.vault import keystore

IDS = (b"v" * 16, b"u" * 16, b"d" * 16)


class Memory(KeyringBackend):
    """A keyring in memory; the tests put its class on the allow-list."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("none")


class Locked(Memory):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("locked")

    def delete_password(self, service: str, username: str) -> None:
        raise KeyringLocked("locked")


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {(kind.__module__, kind.__qualname__): kind.__name__ for kind in (Memory, Locked)}
    monkeypatch.setattr(keystore, "_NAMES", names)


@pytest.mark.usefixtures("trusted")
class TestWithAKeyring:
    def test_store_load_delete(self) -> None:
        backend = Memory()
        keystore.store(*IDS, Secret(b"s" * 32), backend)
        assert keystore.load(*IDS, backend).reveal() == b"s" * 32
        assert not any("s" * 8 in value for value in backend.kept.values())
        keystore.delete(*IDS, backend)
        keystore.delete(*IDS, backend)
        with pytest.raises(keystore.DeviceSecretMissing):
            keystore.load(*IDS, backend)

    def test_each_user_and_device_has_its_own(self) -> None:
        backend = Memory()
        keystore.store(*IDS, Secret(b"s" * 32), backend)
        with pytest.raises(keystore.DeviceSecretMissing):
            keystore.load(IDS[0], IDS[1], b"e" * 16, backend)

    def test_what_a_carrier_asks_for(self) -> None:
        """One entry for each vault, device and carrier; none there is no failure, unlike with a device secret."""
        backend, carrier = Memory(), (IDS[0], IDS[2], b"c" * 16)
        assert keystore.load_access(*carrier, backend) is None
        keystore.store_access(*carrier, Secret(b"key and secret"), backend)
        found = keystore.load_access(*carrier, backend)
        assert found is not None
        assert found.reveal() == b"key and secret"
        assert not any("secret" in value for value in backend.kept.values())
        assert keystore.load_access(IDS[0], b"e" * 16, b"c" * 16, backend) is None
        keystore.delete_access(*carrier, backend)
        keystore.delete_access(*carrier, backend)
        assert keystore.load_access(*carrier, backend) is None

    def test_anchor(self) -> None:
        backend = Memory()
        assert keystore.load_anchor(IDS[0], IDS[2], backend) is None
        keystore.store_anchor(IDS[0], IDS[2], b"head", backend)
        assert keystore.load_anchor(IDS[0], IDS[2], backend) == b"head"

    def test_a_locked_keyring_is_a_plain_sentence(self) -> None:
        for call in (
            lambda: keystore.load(*IDS, Locked()), lambda: keystore.store(*IDS, Secret(b"s"), Locked()),
            lambda: keystore.delete(*IDS, Locked()),
        ):
            with pytest.raises(keystore.KeyringUnusable) as caught:
                call()
            assert caught.value.hint

    def test_what_something_else_wrote_there_is_refused(self) -> None:
        backend = Memory()
        keystore.store(*IDS, Secret(b"s" * 32), backend)
        backend.kept = dict.fromkeys(backend.kept, "not base64!")
        with pytest.raises(keystore.KeyringUnusable):
            keystore.load(*IDS, backend)


class TestRefusedBackends:
    @pytest.mark.parametrize("kind", [fail.Keyring, null.Keyring, chainer.ChainerBackend, Memory])
    def test_by_class(self, kind: Callable[[], KeyringBackend]) -> None:
        backend = kind()
        with pytest.raises(keystore.KeyringUnusable):
            keystore.label_of(backend)
        with pytest.raises(keystore.KeyringUnusable):
            keystore.store(*IDS, Secret(b"s" * 32), backend)

    def test_a_subclass_of_a_real_one_is_not_a_real_one(self) -> None:
        class Plain(SecretService.Keyring):
            def __init__(self) -> None:
                pass

        with pytest.raises(keystore.KeyringUnusable):
            keystore.label_of(Plain())

    def test_environment_cannot_choose(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        monkeypatch.setattr(keystore, "_viable", lambda: iter(()))
        assert keystore.available() is None
        with pytest.raises(MediumUnusable, match="no keyring"):
            keystore.store(*IDS, Secret(b"s" * 32))

    def test_the_best_real_one_is_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Better(Memory):
            priority = 5

        monkeypatch.setattr(keystore, "_NAMES", {(Better.__module__, Better.__qualname__): "Better"})
        monkeypatch.setattr(keystore, "_viable", lambda: iter((Memory, Better)))
        assert keystore.available() == "Better"
