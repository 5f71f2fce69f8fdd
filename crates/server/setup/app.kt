import java.io.File
import okhttp3.OkHttpClient
import okhttp3.Request
import pintle.Pintle
import pintle.pinned

fun connect() { // not shown
val pins = Pintle.builder(File("pintle.json")).storageDir(File("/var/lib/myapp/pins")).setup()
val client = OkHttpClient.Builder().pinned(pins).build()
client.newCall(Request.Builder().url("https://api.example.com/").build()).execute().close()
} // not shown
