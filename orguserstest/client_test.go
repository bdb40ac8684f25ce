package orguserstest_test

import (
	"net/http"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestOptionsMakeAClient(t *testing.T) {
	t.Parallel()
	listening := orguserstest.NewServer(orguserstest.WithBasePath("/proxy"))
	defer listening.Close()
	unstarted := orguserstest.NewUnstartedServer()
	for name, test := range map[string]struct {
		server *orguserstest.Server
		opts   []orgusers.Option
	}{
		"that listens":         {listening, listening.Options()},
		"that does not listen": {unstarted, append(unstarted.Options(), orgusers.WithHTTPClient(&http.Client{Transport: unstarted.Transport()}))},
	} {
		client, err := orgusers.New(test.server.OrganizationUID, test.opts...)
		if err != nil {
			t.Fatalf("a server %s: %v", name, err)
		}
		users := 0
		for _, err := range client.Users(t.Context(), nil) {
			if err != nil {
				t.Fatalf("a server %s: %v", name, err)
			}
			users++
		}
		if users != 25 {
			t.Errorf("a server %s: %d users", name, users)
		}
	}
}
