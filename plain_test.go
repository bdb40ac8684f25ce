package orgusers_test

import (
	"encoding/json"
	"testing"

	"github.com/orgusers/orgusers"
)

// Plain objects are read without encoding/json. They must come out the same.
func TestPlainObjects(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `{ }`, `{"uid":"a"}`, `{"uid":"a","name":"b"}`, `{"name":"b","uid":"a"}`, "{\n\t\"uid\" : \"a\" ,\r\n \"name\":\t\"b\" }",
		`{"uid":"a","uid":"b"}`, `{"uid":"","name":""}`, `{"uid":null,"name":"b"}`, `{"uid":"a","admin":true,"name":"b"}`,
		`{"uid":"a","users":["b",{"uid":"c"}],"name":"d"}`, `{"users":{"uid":"c"},"uid":"a"}`, `{"uid":"\u0061\n","name":"\"b\""}`,
		`{"uid":"a","name":"Rédacteur"}`, "{\"uid\":\"a\",\"name\":\"b\xff\"}", `{"\u0075id":"a"}`, `{"uid":"a:b,c}d","name":"{"}`,
	} {
		var want orgusers.RoleRef
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		var u orgusers.User
		if err := json.Unmarshal([]byte(`{"org_roles":[`+text+`],"invited_by":`+text+`}`), &u); err != nil {
			t.Fatal(err)
		}
		if u.Roles[0] != want || u.InvitedBy.UID != want.UID {
			t.Errorf("%s: got %+v and %+v, want %+v", text, u.Roles[0], u.InvitedBy, want)
		}
	}
}
