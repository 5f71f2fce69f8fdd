import java.io.File
import pintle.Pintle

fun setUpByValues() { // not shown
val pins = Pintle.builder(
    "org_01jd0000000000000000000000",
    "prj_01jd0000000000000000000000",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEpALWvPL4G+VO3AoT5e8JR9O/tfe12a9K8Jbof3VKYz5Lfv9iz5XMqUa5xaoY/52+V7t5x305l69KNnghfapkBA==",
    listOf("https://cdn.example.com"),
    recoveryKey = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERLIwTuIpSHBzjKZHj8Wjxp/8tHEmV99sK8LN56QPFVHY915BsY7hFQHVWoxzBHgYcrlGPoGZrsxx2WtIV58o8g==",
).storageDir(File("/var/lib/myapp/pins")).setup()
} // not shown
