import pytest

from tests.server.stubs import Shelf, problem, running, served

pytestmark = pytest.mark.anyio

WORD = "sesame"
GUARDED = ["/v1/model", "/v1/examples", "/metrics"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer "},
        {"authorization": "Basic c2VzYW1l"},
        {"authorization": WORD},
        {"authorization": "Bearer sésame".encode()},
    ],
)
async def test_token__missing_or_wrong(files, headers):
    async with running(token=WORD) as server:
        for route in GUARDED:
            response = await server.client.get(route, headers=headers)
            assert problem(response) == (401, "token")
            assert response.headers["www-authenticate"] == "Bearer"
        for route in ("/v1/fuse", "/v1/segment", "/v1/fuse/batch"):
            response = await server.client.post(route, files=files, headers=headers)
            assert problem(response) == (401, "token")


async def test_token__right(files):
    headers = {"authorization": f"Bearer {WORD}"}
    async with running(token=WORD) as server:
        for route in GUARDED:
            assert (await server.client.get(route, headers=headers)).status_code == 200
        response = await server.client.post("/v1/fuse", files=files, headers=headers)
        assert response.status_code == 200


@pytest.mark.parametrize("route", ["/", "/healthz", "/readyz", "/openapi.json"])
async def test_token__is_not_needed_for(route):
    async with running(token=WORD) as server:
        assert (await server.client.get(route)).status_code == 200


async def test_token__comes_before_the_body():
    def never():
        raise AssertionError("the body was read")
        yield b""

    async def stream():
        for chunk in never():
            yield chunk

    async with running(token=WORD) as server:
        response = await server.client.post("/v1/fuse", content=stream())
    assert problem(response) == (401, "token")
    assert response.headers["connection"] == "close"  # it may have no end


@pytest.mark.parametrize("path", ["/", "/v1/model", "/nowhere", "/page/none"])
async def test_headers__on_every_response(path):
    async with running() as server:
        headers = (await server.client.get(path)).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


async def test_fault__tells_the_log_and_not_the_client(files, caplog):
    def faulty(_vis, ir):
        if ir.shape == (64, 96):
            raise RuntimeError("a secret")
        return ir

    async with running(Shelf(served(faulty))) as server:
        response = await server.fuse(files)
        assert await server.metric('ssvif_refused_total{code="internal"}') == 1
    assert problem(response) == (500, "internal")
    assert "secret" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "a secret" in caplog.text
    number = response.json()["detail"].rpartition(" ")[2]
    assert number in caplog.text


async def test_methods__that_a_route_does_not_know():
    async with running() as server:
        response = await server.client.get("/v1/fuse")
        assert problem(response) == (405, "method")
        assert response.headers["allow"] == "POST"
        response = await server.client.request("BREW", "/v1/fuse")
        assert problem(response) == (405, "method")
        line = 'ssvif_requests_total{method="other",route="%s",status="405"}'
        counted = [await server.metric(line % route) for route in ("/v1/fuse", "other")]
    assert sum(counted) == 1


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
async def test_docs__no_page_from_elsewhere(path):
    async with running() as server:
        assert problem(await server.client.get(path)) == (404, "not_found")


async def test_openapi__has_every_route_with_its_refusals():
    async with running(token=WORD) as server:
        schema = (await server.client.get("/openapi.json")).json()
    posts = {path: item["post"] for path, item in schema["paths"].items() if "post" in item}
    assert set(posts) == {"/v1/fuse", "/v1/segment", "/v1/fuse/batch"}
    for operation in posts.values():
        assert "multipart/form-data" in operation["requestBody"]["content"]
        expected = {"200", "400", "401", "408", "413", "415", "422", "429", "500", "503"}
        assert expected <= set(operation["responses"])
        assert operation["security"]
        for status, response in operation["responses"].items():
            kinds = set(response["content"])
            assert status == "200" or kinds == {"application/problem+json"}
    assert "501" in posts["/v1/segment"]["responses"]
    assert "ProblemDetails" in schema["components"]["schemas"]
    gets = {path for path, item in schema["paths"].items() if "get" in item}
    assert gets == {"/v1/model", "/v1/examples", "/healthz", "/readyz", "/metrics"}
