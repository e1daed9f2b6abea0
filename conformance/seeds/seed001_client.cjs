// Seed 001's JavaScript client, as written there but for names: node seed001_client.cjs PROTO ADDRESS TOKEN
const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const [user_proto, address, token] = process.argv.slice(2);

// Load proto
const packageDefinition = protoLoader.loadSync(user_proto);
const proto = grpc.loadPackageDefinition(packageDefinition);

// Create client
const client = new proto.api.users.UserService(address, grpc.credentials.createInsecure());

// Create metadata
const metadata = new grpc.Metadata();
metadata.add("authorization", `Bearer ${token}`);

// Call with authentication
client.getUser({ user_id: 1 }, metadata, (error, response) => {
  if (!error) {
    console.log("User:", response.username);
  }
  client.close();
});
