"""Answers in XML, as a REST API's templates see them."""

import json

from cachetwin_local.supervise.api.rest.xml_answers import in_json


def test_an_answer_in_xml_is_json() -> None:
    text = b'<R xmlns="urn:x"><A>1</A><B/><L><member>x</member><member>y</member></L><T>p</T><T>q</T></R>'
    assert json.loads(in_json(text)) == {"R": {"A": "1", "B": "", "L": ["x", "y"], "T": ["p", "q"]}}
    error = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
    assert json.loads(in_json(error)) == {"Error": {"Code": "AccessDenied"}}
    assert in_json(b"no xml") == b"no xml"
