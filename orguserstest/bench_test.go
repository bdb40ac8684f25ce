package orguserstest_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

// BenchmarkPage measures one page of users with all details.
func BenchmarkPage(b *testing.B) {
	server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(10_000))
	client := &http.Client{Transport: server.Transport()}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		url := fmt.Sprintf("%s/v3/organizations/%s/share?asc=created_at&limit=100&skip=%d"+
			"&include_count=true&include_roles=true&include_invited_by=true&include_user_details=true",
			server.URL, server.OrganizationUID, n%100*100)
		n++
		request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("authtoken", server.AuthToken)
		response, err := client.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		size, err := io.Copy(io.Discard, response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			b.Fatal(response.Status, err)
		}
		b.SetBytes(size)
		_ = response.Body.Close()
	}
}

// BenchmarkMillion measures making a server with a million users.
func BenchmarkMillion(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		orguserstest.NewUnstartedServer(orguserstest.WithUsers(1_000_000))
	}
}
